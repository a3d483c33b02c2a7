import { ConnectionError, ErrorCode } from "./errors.ts";

/** Streams reset by this side whose late frames are still accepted; the oldest is forgotten first. */
const maxRememberedResets = 128;

/** The numbers of the streams of a connection: used, accepted and reset ones (RFC 9113, section 5.1.1). */
export class StreamIds {
  readonly #role: "server" | "client";
  /** Octets of DATA that the peer may still send on each stream reset by this side, until it learns of the reset. */
  #resetHere: Map<number, number> | undefined;
  #lastRemote = 0;
  #lastTaken = Infinity;
  #nextLocal = 1;

  constructor(role: "server" | "client") {
    this.#role = role;
  }

  /**
   * Number of the peer's last stream that was or may be processed, for GOAWAY; it never grows after {@link stopTaking}.
   */
  get lastProcessed(): number {
    return Math.min(this.#lastRemote, this.#lastTaken);
  }

  /** Whether a number is left for a stream of this side. */
  get hasLocal(): boolean {
    return this.#nextLocal < 2 ** 31;
  }

  /** Uses the next number for a stream of this side. */
  takeLocal(): number {
    const id = this.#nextLocal;
    this.#nextLocal += 2;
    return id;
  }

  /**
   * Uses a number for a stream that the peer begins.
   * @returns false when this side no longer accepts streams
   * @throws {ConnectionError} PROTOCOL_ERROR for a number of the other side, STREAM_CLOSED for a number that was used
   */
  takeRemote(id: number): boolean {
    if (id % 2 === 0) throw new ConnectionError(ErrorCode.protocolError, "A client's streams have odd numbers.");
    if (id <= this.#lastRemote) {
      throw new ConnectionError(ErrorCode.streamClosed, "HEADERS for a stream that has ended.");
    }
    this.#lastRemote = id;
    return id <= this.#lastTaken;
  }

  /** Accepts no further streams of the peer (RFC 9113, section 6.8). */
  stopTaking(): void {
    this.#lastTaken = this.lastProcessed;
  }

  /** Returns whether a stream was ever opened. */
  wasOpened(id: number): boolean {
    const isRemote = id % 2 === (this.#role === "server" ? 1 : 0);
    if (isRemote) return id <= this.#lastRemote;
    return this.#role === "client" && id < this.#nextLocal;
  }

  /**
   * Checks that a frame does not refer to an idle stream (RFC 9113, section 5.1).
   * @throws {ConnectionError} PROTOCOL_ERROR
   */
  requireOpened(id: number): void {
    if (this.wasOpened(id)) return;
    throw new ConnectionError(ErrorCode.protocolError, "A frame is about a stream that was not opened.");
  }

  /** Remembers that this side reset a stream. @param window octets of DATA that the peer may still have sent */
  rememberReset(id: number, window: number): void {
    this.#resetHere ??= new Map();
    this.#resetHere.set(id, window);
    if (this.#resetHere.size <= maxRememberedResets) return;
    const [oldest] = this.#resetHere.keys();
    this.#resetHere.delete(oldest);
  }

  wasResetHere(id: number): boolean {
    return this.#resetHere?.has(id) ?? false;
  }

  /**
   * Counts DATA received on a stream after this side reset it.
   * @returns false when this side did not reset the stream
   * @throws {ConnectionError} FLOW_CONTROL_ERROR for more than the window of the stream
   */
  takeLateData(id: number, bytes: number): boolean {
    const window = this.#resetHere?.get(id);
    if (window === undefined) return false;
    if (bytes > window) {
      throw new ConnectionError(ErrorCode.flowControlError, "More DATA than the window of the stream.");
    }
    this.#resetHere!.set(id, window - bytes);
    return true;
  }
}
