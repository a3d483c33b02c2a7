import type { ServerLog } from "./server_log.ts";

/** What a serving process ends with after an error that nobody caught (EX_SOFTWARE of sysexits(3)). */
export const crashedExitCode = 70;

/** Errors of peers are logged no more often than this, in milliseconds: whoever causes them could fill the disk. */
const logIntervalMs = 10_000;

export interface UncaughtErrorsOptions {
  readonly log: Pick<ServerLog, "warn" | "error" | "flush">;
  /** Ends the process; for tests. */
  readonly exit?: (code: number) => void;
  readonly now?: () => number;
}

/**
 * Decides about errors that nobody caught, in a process that serves.
 *
 * grpc-js answers a call that it refuses by itself (an unknown method, a wrong content type) without looking whether the
 * stream still exists. A peer that resets the call in the segment that opens it makes `respond()` throw
 * `ERR_HTTP2_INVALID_STREAM` out of an event handler, and that would end the process: one packet, no login. Such an
 * error is logged, and the process goes on. That is sound because an HTTP/2 or socket error is about one stream or one
 * connection, which is lost anyway, and is thrown in an event of that connection: chatd writes frames in a turn of their own, so
 * none of its work is cut in half. What such a call held is freed with its stream.
 *
 * Every other error, also one that amqplib makes of what a broker says, is a bug that may have left state half changed. It is logged, and the process ends with
 * {@link crashedExitCode} as soon as that line is written; what was accepted is on disk, and the supervisor starts a new one.
 */
export class UncaughtErrors implements Disposable {
  readonly #log: UncaughtErrorsOptions["log"];
  readonly #exit: (code: number) => void;
  readonly #now: () => number;
  #passed = 0;
  #loggedAt = -Infinity;
  #isCrashing = false;
  readonly #onError = (event: ErrorEvent): void => this.#decide(event, event.error);
  readonly #onRejection = (event: PromiseRejectionEvent): void => this.#decide(event, event.reason);

  constructor({ log, exit = Deno.exit, now = () => performance.now() }: UncaughtErrorsOptions) {
    this.#log = log;
    this.#exit = exit;
    this.#now = now;
    globalThis.addEventListener("error", this.#onError);
    globalThis.addEventListener("unhandledrejection", this.#onRejection);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("error", this.#onError);
    globalThis.removeEventListener("unhandledrejection", this.#onRejection);
  }

  #decide(event: Event, error: unknown): void {
    event.preventDefault();
    if (this.#isCrashing) return;
    if (isPeerError(error)) return this.#passOver(error);
    this.#isCrashing = true;
    this.#log.error("crashed by an error that nobody caught", { error });
    void this.#log.flush().then(() => this.#exit(crashedExitCode));
  }

  #passOver(error: unknown): void {
    this.#passed += 1;
    const now = this.#now();
    if (now - this.#loggedAt < logIntervalMs) return;
    this.#log.warn("a connection failed where nobody listened for it", { count: this.#passed, error });
    this.#loggedAt = now;
    this.#passed = 0;
  }
}

const socketCodes: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ETIMEDOUT"]);

/** Whether the error is about one HTTP/2 stream, HTTP/2 session or socket, as `node:http2` and `node:net` make them. */
export function isPeerError(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return /^ERR_HTTP2_\w+$/.test(error.code) || (socketCodes.has(error.code) && "syscall" in error);
}
