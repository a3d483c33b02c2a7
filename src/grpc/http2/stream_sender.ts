import { Buffer } from "node:buffer";
import { initialWindow, SendWindow } from "./flow_window.ts";
import { encodeFrame, Flag, frameHeaderBytes, FrameType, minMaxFrameBytes, writeFrameHeader } from "./frames.ts";
import { maxBlockBytes } from "./header_assembly.ts";
import { noDynamicTable } from "./header_encoder.ts";
import type { Http2Stream } from "./stream.ts";

/** Makes the frames of the streams of a connection, which take turns, as far as the windows of the peer let them. */
export class StreamSender {
  /** Octets of DATA that the peer takes over the connection. */
  readonly window = new SendWindow(initialWindow);
  /** Streams with something to send, in the order of their turns. As few as may be open: an array is smaller than a set. */
  readonly #ready: Http2Stream[] = [];
  readonly #onLocalEnd: (stream: Http2Stream) => Uint8Array | undefined;
  readonly #onDataSent: () => void;
  #saidTable = false;

  constructor(options: {
    /** The last frame of a stream is made. @returns a frame to send behind it. */
    onLocalEnd(stream: Http2Stream): Uint8Array | undefined;
    /** A DATA frame is made. */
    onDataSent(): void;
  }) {
    this.#onLocalEnd = options.onLocalEnd;
    this.#onDataSent = options.onDataSent;
  }

  /** The stream has something to send. */
  add(stream: Http2Stream): void {
    if (!this.#ready.includes(stream)) this.#ready.push(stream);
  }

  /** The stream is closed. */
  delete(stream: Http2Stream): void {
    const index = this.#ready.indexOf(stream);
    if (index >= 0) this.#ready.splice(index, 1);
  }

  clear(): void {
    this.#ready.length = 0;
  }

  /** Makes a HEADERS frame. @param block an encoded header block of at most 16,384 octets */
  headersFrame(streamId: number, { block, flags }: { block: Uint8Array; flags: number }): Uint8Array {
    if (block.length >= maxBlockBytes) throw new RangeError("A header block is too long for one frame.");
    const payload = this.#saidTable ? block : Buffer.concat([noDynamicTable, block]);
    this.#saidTable = true;
    return encodeFrame(FrameType.headers, { flags: flags | Flag.endHeaders, streamId, payload });
  }

  /** Makes the next frame with DATA or trailers of the stream whose turn it is; undefined when none can be sent now. */
  nextFrame(): Uint8Array | undefined {
    for (let left = this.#ready.length; left > 0; left--) {
      const stream = this.#ready.shift()!;
      if (!stream.isReady) continue;
      if (this.window.size > 0 || stream.queuedBytes === 0) return this.#frameOf(stream);
      // It waits for the window of the connection.
      this.#ready.push(stream);
    }
    return undefined;
  }

  #frameOf(stream: Http2Stream): Uint8Array {
    const { id: streamId } = stream;
    const piece = stream.takePiece(Math.min(this.window.size, minMaxFrameBytes));
    if (piece.kind === "trailers") {
      return this.#withEnd(stream, this.headersFrame(streamId, { block: piece.block, flags: Flag.endStream }));
    }
    const { frame, isLast } = piece;
    this.window.spend(frame.length - frameHeaderBytes);
    this.#onDataSent();
    writeFrameHeader(frame, { type: FrameType.data, flags: isLast ? Flag.endStream : 0, streamId });
    if (isLast) return this.#withEnd(stream, frame);
    if (stream.isReady) this.#ready.push(stream);
    return frame;
  }

  #withEnd(stream: Http2Stream, frame: Uint8Array): Uint8Array {
    const behind = this.#onLocalEnd(stream);
    return behind === undefined ? frame : Buffer.concat([frame, behind]);
  }
}
