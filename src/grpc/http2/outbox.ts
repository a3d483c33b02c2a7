import { Buffer } from "node:buffer";

/** A stream of octets to the peer, and control of the stream from it. */
export interface Transport {
  /** Writes octets. @returns false when more should wait until {@link Outbox.drained}. */
  write(bytes: Uint8Array): boolean;
  /** Closes after all that was written has left, or after a deadline of its own. */
  end(): void;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
}

/** Octets of frames about the connection that may wait before nothing more is read from the peer that causes them. */
const maxWaitingBytes = 64 * 1024;
/** Octets that are joined for one write. */
const joinedBytes = 128 * 1024;

/** Never written to. */
const none: Uint8Array[] = [];

/** Sends the frames of one turn of the event loop together, and DATA only while the transport takes it. */
export class Outbox {
  readonly #transport: Transport;
  readonly #defer: (callback: () => void) => void;
  /** Returns the next frame with DATA or trailers; undefined when there is none, or the peer's window is full. */
  readonly #nextFrame: () => Uint8Array | undefined;
  #waiting = none;
  #waitingBytes = 0;
  #isScheduled = false;
  #isWritable = true;
  #isPaused = false;
  #isEnded = false;
  readonly #flushLate = (): void => this.flush();

  constructor(options: {
    transport: Transport;
    /** Calls back at the end of this turn, or soon after. */
    defer(callback: () => void): void;
    nextFrame(): Uint8Array | undefined;
  }) {
    this.#transport = options.transport;
    this.#defer = options.defer;
    this.#nextFrame = options.nextFrame;
  }

  /** Sends a frame about the connection or the headers of a stream, before any DATA. */
  send(frame: Uint8Array): void {
    if (this.#isEnded) return;
    this.#push(frame);
    if (this.#waitingBytes > maxWaitingBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#transport.pause();
    }
    this.schedule();
  }

  /** Asks for the next frames of streams soon. */
  schedule(): void {
    if (this.#isScheduled || this.#isEnded) return;
    this.#isScheduled = true;
    this.#defer(this.#flushLate);
  }

  /** The transport takes more. */
  drained(): void {
    this.#isWritable = true;
    this.flush();
  }

  /** Writes what waits, as far as the transport takes it. */
  flush(): void {
    this.#isScheduled = false;
    while (this.#isWritable && !this.#isEnded) {
      const isAll = this.#fill();
      if (this.#waiting.length > 0) this.#write();
      if (isAll) return;
    }
  }

  /** Writes the frames that wait, whether the transport takes more or not, and closes it. */
  end(): void {
    if (this.#isEnded) return;
    if (this.#waiting.length > 0) this.#write();
    this.#isEnded = true;
    this.#transport.end();
  }

  /** @returns whether streams have nothing more to send now. */
  #fill(): boolean {
    while (this.#waitingBytes < joinedBytes) {
      const frame = this.#nextFrame();
      if (frame === undefined) return true;
      this.#push(frame);
    }
    return false;
  }

  #push(frame: Uint8Array): void {
    // Most writes have one frame, for which a literal takes a fraction of the memory that the first push takes.
    if (this.#waiting.length === 0) this.#waiting = [frame];
    else this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  #write(): void {
    const bytes = this.#waiting.length === 1 ? this.#waiting[0] : Buffer.concat(this.#waiting);
    this.#waiting = none;
    this.#waitingBytes = 0;
    this.#isWritable = this.#transport.write(bytes);
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#transport.resume();
  }
}
