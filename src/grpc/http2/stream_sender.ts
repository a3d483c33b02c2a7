import { Buffer } from "node:buffer";
import { initialWindow, SendWindow } from "./flow_window.ts";
import { encodeFrame, Flag, FrameType, minMaxFrameBytes } from "./frames.ts";
import { maxBlockBytes } from "./header_assembly.ts";
import { noDynamicTable } from "./header_encoder.ts";
import type { Data } from "./octets.ts";
import type { Http2Stream } from "./stream.ts";

/**
 * Octets below which a frame is small. A peer whose windows cut its answers into small frames makes no progress
 * (CVE-2019-9511).
 */
const smallBytes = 1_024;

const noOctets = new Uint8Array();

/** The part of a connection that sends the frames of its streams. */
export interface SenderHost {
  /** Sends a frame after earlier ones. */
  addFrame(frame: Uint8Array): void;
  /** Sends a DATA frame after earlier frames. */
  addData(data: Data, header: { streamId: number; flags: number }): void;
  /** Called when the DATA of streams stays in memory, which may close the connection. */
  onQueued(): void;
  /** Called when the last frame of a stream was added. */
  onLocalEnd(stream: Http2Stream): void;
  /** Called for each added DATA frame that the peer's windows did not make small. */
  onDataSent(): void;
}

/** Makes the frames of a connection's streams, which take turns within the peer's windows. */
export class StreamSender {
  /** Octets of DATA that this side may send over the connection. */
  readonly window = new SendWindow(initialWindow);
  /** Streams with something to send, in the order of their turns: few, for which an array is smaller than a set. */
  readonly #ready: Http2Stream[] = [];
  readonly #host: SenderHost;
  #hasSentHeaders = false;

  constructor(host: SenderHost) {
    this.#host = host;
  }

  /** Adds a stream that has a piece to send. */
  add(stream: Http2Stream): void {
    if (!this.#ready.includes(stream)) this.#ready.push(stream);
  }

  /** Removes a stream that was closed. */
  delete(stream: Http2Stream): void {
    const index = this.#ready.indexOf(stream);
    if (index >= 0) this.#ready.splice(index, 1);
  }

  clear(): void {
    this.#ready.length = 0;
  }

  /** Makes a HEADERS frame. @param block an encoded header block of fewer than 16,384 octets */
  headersFrame(streamId: number, { block, flags }: { block: Uint8Array; flags: number }): Uint8Array {
    if (block.length >= maxBlockBytes) throw new RangeError("A header block is too long for one frame.");
    const payload = this.#hasSentHeaders ? block : Buffer.concat([noDynamicTable, block]);
    this.#hasSentHeaders = true;
    return encodeFrame(FrameType.headers, { flags: flags | Flag.endHeaders, streamId, payload });
  }

  /** Adds the next DATA or trailers frame, of the stream whose turn it is. @returns false when none can be sent now */
  addNextFrame(): boolean {
    let isHeld = false;
    for (let left = this.#ready.length; left > 0; left--) {
      const stream = this.#ready.shift()!;
      const { isReady } = stream;
      if (isReady && (this.window.size > 0 || stream.queuedBytes === 0)) {
        this.#addFrameOf(stream);
        return true;
      }
      stream.hold();
      isHeld = true;
      // The stream waits for the window of the connection.
      if (isReady) this.#ready.push(stream);
    }
    if (isHeld) this.#host.onQueued();
    return false;
  }

  /** Encodes the DATA that could not be sent in this turn. */
  hold(): void {
    if (this.#ready.length === 0) return;
    for (const stream of this.#ready) stream.hold();
    this.#host.onQueued();
  }

  #addFrameOf(stream: Http2Stream): void {
    const { id: streamId, hasData, trailers } = stream;
    if (!hasData && trailers !== undefined) {
      this.#host.addFrame(this.headersFrame(streamId, { block: trailers, flags: Flag.endStream }));
      return this.#host.onLocalEnd(stream);
    }
    const data = hasData ? stream.takeData(Math.min(this.window.size, minMaxFrameBytes)) : noOctets;
    const bytes = data.length;
    this.window.spend(bytes);
    const isCut = Math.min(this.window.size, stream.sendWindow.size) <= 0;
    if (bytes >= smallBytes || !isCut) this.#host.onDataSent();
    const isLast = stream.endsWithData;
    this.#host.addData(data, { streamId, flags: isLast ? Flag.endStream : 0 });
    if (isLast) this.#host.onLocalEnd(stream);
    else if (stream.isReady) this.#ready.push(stream);
  }
}
