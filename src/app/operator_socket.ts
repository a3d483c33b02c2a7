import { ChatError } from "../core/chat_error.ts";
import { type ControlReply, type ControlRequest, maxReplyBytes } from "../host/control_socket.ts";
import { readJsonLine, writeJsonLine } from "../host/json_line.ts";
import { socketRefused } from "../host/permissions.ts";
import { controlSocketPath } from "../host/socket_path.ts";
import { dataFolderError } from "../store/data_folder.ts";
import type { ArgumentsOf, OperatorCall, ResultOf } from "./operator_calls.ts";
import { noAnswer, unpackReply } from "./operator_reply.ts";

const replyTimeoutMs = 30_000;

/**
 * Returns the version of the server that owns a data folder, like `longVersion`; undefined if no server accepts
 * commands.
 * @throws {ChatError} `unsupported_version` if it is too old to tell its version; `permission_denied`, `unavailable`
 */
export async function versionOfServer(folder: string): Promise<string | undefined> {
  const connection = await connectToServer(controlSocketPath(folder));
  if (connection === undefined) return undefined;
  return await sendRequest(connection, "server.version", {});
}

/**
 * Returns why the server that owns a data folder stands by, as a sentence; "" if it serves, or none accepts commands.
 * @throws {ChatError} `permission_denied`, `unavailable`
 */
export async function whyStandby(folder: string): Promise<string> {
  const connection = await connectToServer(controlSocketPath(folder));
  if (connection === undefined) return "";
  try {
    return await sendRequest(connection, "server.standby", {});
  } catch (error) {
    // An older server has no socket while it stands by.
    if (error instanceof ChatError && error.code === "unsupported_version") return "";
    throw error;
  }
}

/** Returns undefined if no server listens. */
export async function connectToServer(path: string): Promise<Deno.Conn | undefined> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return undefined;
    if (error instanceof Deno.errors.NotCapable) throw socketRefused(path, error);
    if (!(error instanceof Deno.errors.PermissionDenied)) throw dataFolderError(path.replace(/\/[^/]*$/, ""), error);
    throw new ChatError(
      "permission_denied",
      `The server's socket "${path}" belongs to another user of this system: run this command as that user.`,
      { cause: error },
    );
  }
}

/** Sends a call, reads its result, and closes the connection. @throws {ChatError} */
export async function sendRequest<Call extends OperatorCall>(
  connection: Deno.Conn,
  call: Call,
  args: ArgumentsOf<Call>,
): Promise<ResultOf<Call>> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.close();
  }, replyTimeoutMs);
  let reply: ControlReply;
  try {
    await writeJsonLine(connection, { command: call, arguments: args } satisfies ControlRequest);
    reply = await readJsonLine(connection, { maxBytes: maxReplyBytes }) as ControlReply;
  } catch (error) {
    throw noAnswer(error);
  } finally {
    clearTimeout(timer);
    if (!late) connection.close();
  }
  return unpackReply(reply) as ResultOf<Call>;
}
