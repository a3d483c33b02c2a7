import { dirname, join } from "node:path";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { pause } from "../core/pause.ts";
import { readJsonLine, writeJsonLine } from "./json_line.ts";
import { socketRefused } from "./permissions.ts";
import { controlSocketPath } from "./socket_path.ts";

/** Answers one command; `arguments` come from outside, and are checked by it. */
export type ControlHandler = (args: Readonly<Record<string, unknown>>) => Promise<unknown>;
export type ControlHandlers = Readonly<Record<string, ControlHandler>>;

/** `{"command":"user.list","arguments":{}}` and a line end. */
export interface ControlRequest {
  readonly command: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export type ControlReply =
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

export interface ControlSocketOptions {
  /** The data folder, whose lock the caller holds as long as the socket is open. */
  readonly folder: string;
  readonly handlers: ControlHandlers;
  readonly log: Log;
  /** Deadline of one exchange, in milliseconds; 30 000 unless given. */
  readonly exchangeTimeoutMs?: number;
}

export interface ControlSocket {
  /** Answers requests that arrive from now on with other handlers. */
  replaceHandlers(handlers: ControlHandlers): void;
  /** Accepts no more connections, ends exchanges that still wait for their request, and waits for the others. Idempotent. */
  close(): Promise<void>;
}

/** The largest request, in bytes. */
export const maxRequestBytes = 16 * 1024;
/** The largest reply, in bytes. */
export const maxReplyBytes = 1024 * 1024;
const maxConnections = 32;
/** Pause after a failed accept, in milliseconds. */
const acceptPauseMs = 100;

/**
 * Listens for the operator's commands on a Unix socket in the data folder, which only the server's own user may use: one
 * JSON line asks, one answers. A socket that a crashed server left is replaced.
 * @throws {ChatError} `invalid_argument` when the folder's path is too long; `permission_denied`
 */
export function openControlSocket(options: ControlSocketOptions): ControlSocket {
  const { log, exchangeTimeoutMs = 30_000 } = options;
  let { handlers } = options;
  const path = controlSocketPath(options.folder);
  const listener = listen(path);
  const reading = new Set<Deno.Conn>();
  const exchanges = new Set<Promise<void>>();
  const stopped = new AbortController();

  const exchange = async (connection: Deno.Conn): Promise<void> => {
    const timer = setTimeout(() => close(connection), exchangeTimeoutMs);
    try {
      await writeJsonLine(connection, await answer(connection));
    } catch (cause) {
      // The operator's command went away, or took too long.
      log.warn("a command of the operator got no answer", { cause });
    } finally {
      clearTimeout(timer);
      close(connection);
    }
  };

  const answer = async (connection: Deno.Conn): Promise<ControlReply> => {
    let line: unknown;
    try {
      reading.add(connection);
      line = await readJsonLine(connection, { maxBytes: maxRequestBytes });
    } catch (thrown) {
      if (!(thrown instanceof ChatError)) throw thrown;
      return errorReply(thrown);
    } finally {
      reading.delete(connection);
    }
    return await answerRequest(line, { handlers, log });
  };

  const accept = async (): Promise<void> => {
    let isFailing = false;
    while (!stopped.signal.aborted) {
      let connection: Deno.Conn;
      try {
        connection = await listener.accept();
        isFailing = false;
      } catch (cause) {
        if (stopped.signal.aborted) return;
        // Too many open files, most likely: it passes when others close theirs.
        if (!isFailing) log.error("no command of the operator can be taken right now", { cause });
        isFailing = true;
        await pause(acceptPauseMs, stopped.signal);
        continue;
      }
      if (exchanges.size >= maxConnections) {
        close(connection);
        continue;
      }
      const running = exchange(connection).finally(() => exchanges.delete(running));
      exchanges.add(running);
    }
  };
  const accepting = accept();

  let closed: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    stopped.abort();
    listener.close();
    remove(path);
    for (const connection of reading) close(connection);
    await accepting;
    await Promise.all(exchanges);
  };
  return {
    replaceHandlers: (others) => handlers = others,
    close: () => closed ??= closeAll(),
  };
}

/** Answers a request from outside with the handler of its command; its errors are answers, too. */
export async function answerRequest(
  request: unknown,
  { handlers, log }: { handlers: ControlHandlers; log: Log },
): Promise<ControlReply> {
  try {
    const { command, arguments: args } = parseRequest(request);
    const handler = Object.hasOwn(handlers, command) ? handlers[command] : undefined;
    if (handler === undefined) throw unknownCommand(command);
    return { result: await handler(args) ?? null };
  } catch (thrown) {
    const error = toChatError(thrown);
    if (error.code === "internal") log.error("a command of the operator failed", { cause: error.cause ?? error });
    return errorReply(error);
  }
}

/** Returns the answer that an error is. */
export function errorReply({ code, message }: ChatError): ControlReply {
  return { error: { code, message } };
}

/** Listens at `path`, mode 0600. */
function listen(path: string): Deno.Listener {
  // The lock of the folder is held, so no other server can be listening there.
  remove(path);
  // Created in a folder closed to other users, so they can never connect. A path there is no longer than `path`.
  const closed = join(dirname(path), ".s");
  remove(closed);
  Deno.mkdirSync(closed, { mode: 0o700 });
  try {
    const listener = Deno.listen({ transport: "unix", path: join(closed, "s") });
    Deno.chmodSync(join(closed, "s"), 0o600);
    Deno.renameSync(join(closed, "s"), path);
    return listener;
  } catch (error) {
    throw error instanceof Deno.errors.NotCapable ? socketRefused(path, error) : error;
  } finally {
    remove(closed);
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function parseRequest(value: unknown): ControlRequest {
  if (isRecord(value) && typeof value.command === "string" && isRecord(value.arguments)) {
    return { command: value.command, arguments: value.arguments };
  }
  throw new ChatError("invalid_argument", `A request is {"command": …, "arguments": {…}}.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownCommand(command: string): ChatError {
  return new ChatError(
    "unsupported_version",
    `The running server does not know the command ${JSON.stringify(command.slice(0, 64))}: use its version of chatd.`,
  );
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
