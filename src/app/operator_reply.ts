import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";
import type { ControlReply } from "../host/control_socket.ts";

/** Returns the result that a server replied. @throws {ChatError} its error */
export function unpackReply(reply: ControlReply): unknown {
  if ("result" in reply) return reply.result ?? undefined;
  const { code, message } = reply.error;
  throw new ChatError(code as ChatErrorCode, message);
}

/** Whether an error leaves the outcome of a call unknown. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ChatError && error.code === "unavailable";
}

/** Returns the error of a call whose outcome is unknown. */
export function noAnswer(cause?: unknown): ChatError {
  return new ChatError("unavailable", "The server did not answer, and may or may not have run the command.", { cause });
}
