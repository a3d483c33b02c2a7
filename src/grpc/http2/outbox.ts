import type { Data } from "./octets.ts";
import { joinedBytes, WriteBuffer } from "./write_buffer.ts";

/** A stream of octets to the peer, and control of the stream from it. */
export interface Transport {
  /**
   * Whether the transport refers to the octets of the last write after it, or may do so after the next one. Otherwise
   * their memory is used again.
   */
  readonly keepsOctets: boolean;
  /** Writes octets. @returns false when further writes should wait until {@link Outbox.drained} */
  write(octets: Uint8Array): boolean;
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
  /** Called when the transport takes no more octets for now. */
  hold(): void;
}

/** Octets of waiting control frames and headers beyond which reading from the peer stops. */
export const maxWaitingBytes = 64 * 1024;

/** Shared empty array; never changed. */
const none: Uint8Array[] = [];

/** Sends the frames of one turn of the event loop together, and DATA only while the transport accepts it. */
export class Outbox {
  /** Set before the first frame is sent. */
  source!: FrameSource;
  readonly #transport: Transport;
  /** Control frames and headers. */
  #waiting = none;
  #waitingBytes = 0;
  /** The write that is being filled. */
  #filling: WriteBuffer | undefined;
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
    if (this.#filling !== undefined) return this.#filling.add(frame);
    // Most writes have one frame, and a literal takes a fraction of the memory of a first push.
    if (this.#waiting.length === 0) this.#waiting = [frame];
    else this.#waiting.push(frame);
    this.#waitingBytes += frame.length;
  }

  /** Adds a DATA frame to the write that is being filled. */
  addData(data: Data, header: { streamId: number; flags: number }): void {
    this.#filling?.addData(data, header);
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
      this.#write();
      if (isAll) return;
    }
    if (!this.#isEnded) this.source.hold();
  }

  /** Writes the waiting frames, even to a full transport, and closes it. */
  end(): void {
    if (this.#isEnded) return;
    this.#begin();
    this.#write();
    this.#isEnded = true;
    this.#transport.end();
  }

  /** Fills a write with frames. @returns whether no stream has more to send now */
  #fill(): boolean {
    const buffer = this.#begin();
    while (buffer.length < joinedBytes) if (!this.source.addNextFrame()) return true;
    return false;
  }

  /** Begins a write with the waiting frames, unless one was begun. */
  #begin(): WriteBuffer {
    const buffer = this.#filling ??= WriteBuffer.take();
    for (const frame of this.#waiting) buffer.add(frame);
    this.#waiting = none;
    this.#waitingBytes = 0;
    return buffer;
  }

  #write(): void {
    const buffer = this.#filling!;
    this.#filling = undefined;
    const takesMore = buffer.writeTo(this.#transport);
    this.#isWritable &&= takesMore;
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#transport.resume();
  }
}
