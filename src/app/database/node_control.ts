import type { Log } from "../../core/log.ts";
import { type ControlHandlers, type ControlSocket, openControlSocket } from "../../host/control_socket.ts";

/** The state of a node that stands by, for its commands. */
export interface StandingBy {
  /** Returns why it does not serve now, as a sentence for people. */
  reason(): string;
  /** Aborts when the node stops. */
  readonly signal: AbortSignal;
}

/** The control socket of a node, which opens when the node has to stand by, or serves. */
export class NodeControl implements AsyncDisposable {
  readonly #options: { folder: string; log: Log };
  readonly #closed = new AbortController();
  #socket: ControlSocket | undefined;
  #reason = "";

  constructor(options: { folder: string; log: Log }) {
    this.#options = options;
  }

  /** Answers as a node that stands by, for this reason from now on. @throws {ChatError} as `openControlSocket` says */
  standBy(reason: string, commands: (standingBy: StandingBy) => ControlHandlers): void {
    this.#reason = reason;
    this.#socket ??= this.#open(commands({ reason: () => this.#reason, signal: this.#closed.signal }));
  }

  /** Answers as the node that serves. @throws {ChatError} as `openControlSocket` says */
  serve(handlers: ControlHandlers): void {
    if (this.#socket === undefined) this.#socket = this.#open(handlers);
    else this.#socket.replaceHandlers(handlers);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#socket?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(handlers: ControlHandlers): ControlSocket {
    return openControlSocket({ ...this.#options, handlers });
  }
}
