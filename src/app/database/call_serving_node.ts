import { ChatError } from "../../core/chat_error.ts";
import { pause } from "../../core/pause.ts";
import { type ControlReply, type ControlRequest, maxRequestBytes } from "../../host/control_socket.ts";
import type { DatabaseAccess } from "../../store/postgres/connection/database_address.ts";
import type { RequestLine } from "../../store/postgres/nodes/request_line.ts";
import { isUnavailable, noAnswer } from "../operator_reply.ts";
import { sealCall, type SealedCall } from "./sealed_call.ts";

const pollMs = 100;

/** Tells how long a call may take. */
export interface CallPatience {
  /** By `performance.now()`. */
  readonly deadline: number;
  /** Ends the wait for the answer. */
  readonly signal: AbortSignal;
}

/**
 * Has the serving node run a call, which goes through the database, encrypted for this node.
 * @returns the reply; undefined if no node serves, or it stopped before it took the call, which was not run then
 * @throws {ChatError} `unavailable` if the node does not answer: the message says whether it may have run the call;
 * `busy` or `storage_full` if the database does not take it
 */
export async function callServingNode(
  access: DatabaseAccess,
  request: ControlRequest,
  patience: CallPatience,
): Promise<ControlReply | undefined> {
  if (new TextEncoder().encode(JSON.stringify(request)).length > maxRequestBytes) {
    throw new ChatError("invalid_argument", `A command may have at most ${maxRequestBytes} bytes.`);
  }
  const { RequestLine } = await import("../../store/postgres/nodes/request_line.ts");
  await using line = await RequestLine.open(access);
  const serving = await line.findServing();
  if (serving === undefined) return undefined;
  const { node, token, publicKey, now } = serving;
  if (publicKey === null) {
    throw new ChatError(
      "unsupported_version",
      `The node "${node}" serves, and is too old to take commands from elsewhere: run this command on its machine, ` +
        "with its data folder (--data).",
    );
  }
  const id = crypto.randomUUID();
  const call = await sealCall(publicKey, { id, sealedAt: now, call: request });
  try {
    await line.add({ id, token, request: call.sealed });
  } catch (error) {
    // After any other error, the row was certainly not written.
    throw isUnavailable(error) ? noAnswer(error) : error;
  }
  try {
    return await waitForAnswer(line, { id, node, call }, patience);
  } catch (error) {
    throw error instanceof NotRun ? error.cause : noAnswer(error);
  }
}

/** Wraps the error of a call that was certainly not run. */
class NotRun extends Error {}

/** Returns undefined if the node that the request is for stopped before it took it. */
async function waitForAnswer(
  line: RequestLine,
  { id, node, call }: { id: string; node: string; call: SealedCall },
  { deadline, signal }: CallPatience,
): Promise<ControlReply | undefined> {
  for (;;) {
    const isLate = !await pause(pollMs, signal) || performance.now() >= deadline;
    const state = await line.read(id);
    if (state === undefined) throw noAnswer();
    const { answer, isTaken, isServing } = state;
    if (answer !== null) {
      const reply = await call.openAnswer(answer) as ControlReply;
      // The node removes it later if this fails.
      await line.remove(id).catch(() => {});
      return reply;
    }
    if (isServing && !isLate) continue;
    if (isTaken) throw noAnswer();
    if (!await line.withdraw(id)) continue;
    if (!isLate) return undefined;
    throw new NotRun("not taken", {
      cause: new ChatError("unavailable", `The node "${node}" did not answer, and has not run the command.`),
    });
  }
}
