import { Buffer } from "node:buffer";

/** A stream of octets to the peer, and control of the stream from it. */
export interface Transport {
  /** Writes octets. @returns false when further writes should wait until {@link Outbox.drained} */
  write(bytes: Uint8Array): boolean;
  /** Closes after the written octets have left, or after its own deadline. */
  end(): void;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
  /**
   * Calls back at the end of this turn of the event loop, or soon after, so that the frames of a turn leave together.
   */
  defer(callback: () => void): void;
}

/** Makes the frames with DATA or trailers. */
export interface FrameSource {
  /** Adds the next frame to the outbox. @returns false when no stream can send one now */
  addNextFrame(): boolean;
}

/** Octets of waiting control frames and headers beyond which reading from the peer stops. */
export const maxWaitingBytes = 64 * 1024;
/** Octets of a write from which no further frame is joined to it. */
export const joinedBytes = 128 * 1024;

/** Shared empty array; never changed. */
const none: Uint8Array[] = [];

/** Sends the frames of one turn of the event loop together, and DATA only while the transport accepts it. */
export class Outbox {
  /** Set before the first frame is sent. */
  source!: FrameSource;
  readonly #transport: Transport;
  #waiting = none;
  #waitingBytes = 0;
  #isScheduled = false;
  #isWritable = true;
  #isPaused = false;
  #isEnded = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Sends a control frame or the headers of a stream, before any DATA. */
  send(frame: Uint8Array): void {
    if (this.#isEnded) return;
    this.add(frame);
    if (this.#waitingBytes > maxWaitingBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#transport.pause();
    }
    this.schedule();
  }

  /** Adds a frame behind the waiting ones. */
  add(frame: Uint8Array): void {
    if (this.#isEnded) return;
    // Most writes have one frame, and a literal takes a fraction of the memory of a first push.
    if (this.#waiting.length === 0) this.#waiting = [frame];
    else this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  /** Schedules a flush for the end of this turn. */
  schedule(): void {
    if (this.#isScheduled || this.#isEnded) return;
    this.#isScheduled = true;
    this.#transport.defer(() => this.flush());
  }

  /** Continues writing when the transport accepts more octets. */
  drained(): void {
    this.#isWritable = true;
    this.flush();
  }

  /** Writes waiting frames and DATA as far as the transport accepts them. */
  flush(): void {
    this.#isScheduled = false;
    while (this.#isWritable && !this.#isEnded) {
      const isAll = this.#fill();
      if (this.#isEnded) return;
      if (this.#waiting.length > 0) this.#write();
      if (isAll) return;
    }
  }

  /** Writes the waiting frames, even to a full transport, and closes it. */
  end(): void {
    if (this.#isEnded) return;
    if (this.#waiting.length > 0) this.#write();
    this.#isEnded = true;
    this.#transport.end();
  }

  /** Fills a write with frames. @returns whether no stream has more to send now */
  #fill(): boolean {
    while (this.#waitingBytes < joinedBytes) if (!this.source.addNextFrame()) return true;
    return false;
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
