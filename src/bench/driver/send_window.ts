import { initialWindow } from "./http2_bytes.ts";

/** The windows of a call's peer (RFC 9113, section 5.2), with the messages that wait for them. */
export class SendWindow {
  readonly #write: (message: Uint8Array) => void;
  readonly #overhead: number;
  readonly #held: Uint8Array[] = [];
  #connection = initialWindow;
  #stream = initialWindow;
  #initial = initialWindow;

  /** @param overhead octets of DATA for each message, beside its own */
  constructor({ overhead, write }: { overhead: number; write(message: Uint8Array): void }) {
    this.#overhead = overhead;
    this.#write = write;
  }

  /** Writes a message, or a copy of it once the windows have room for all of it. */
  send(message: Uint8Array): void {
    if (this.#held.length > 0 || !this.#hasRoom(message)) this.#held.push(message.slice());
    else this.#take(message);
  }

  /** Adds octets to the window of the connection (stream 0) or of the call. */
  grant(stream: number, octets: number): void {
    if (stream === 0) this.#connection += octets;
    else this.#stream += octets;
    this.#sendHeld();
  }

  /** Changes the initial window of streams, and that of the call with it (RFC 9113, section 6.9.2). */
  setInitial(window: number): void {
    this.#stream += window - this.#initial;
    this.#initial = window;
    this.#sendHeld();
  }

  #sendHeld(): void {
    while (this.#held.length > 0 && this.#hasRoom(this.#held[0])) this.#take(this.#held.shift()!);
  }

  #hasRoom({ length }: Uint8Array): boolean {
    return this.#overhead + length <= Math.min(this.#connection, this.#stream);
  }

  #take(message: Uint8Array): void {
    const size = this.#overhead + message.length;
    this.#connection -= size;
    this.#stream -= size;
    this.#write(message);
  }
}
