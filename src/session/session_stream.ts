import { EncodedFrame } from "../wire/server_frame.ts";
import { type FrameContent, type FrameSink, FrameWriter } from "./frame_writer.ts";
import { SentFrames } from "./sent_frames.ts";
import type { SessionDependencies } from "./session_dependencies.ts";
import type { SessionPipe } from "./session_pipe.ts";

const standardWindowBytes = 256 * 1024;

/**
 * Sends frames over the client's own connection. A client acknowledges a frame by its receipt, which it knows only from
 * reading the frame: an acknowledged frame has left the memory of the server.
 */
export class SessionStream implements FrameSink {
  /** Collects the items of the frames. */
  readonly writer: FrameWriter;
  readonly windowBytes: number;
  readonly #pipe: Pick<SessionPipe, "send">;
  readonly #unacknowledged = new SentFrames();
  #otherBytes = 0;

  constructor(
    pipe: Pick<SessionPipe, "send">,
    { defer, windowBytes = standardWindowBytes }: Pick<SessionDependencies, "defer" | "windowBytes">,
  ) {
    this.writer = new FrameWriter(this, defer);
    this.windowBytes = windowBytes;
    this.#pipe = pipe;
  }

  /** Octets of unacknowledged items other than deliveries, sent or waiting in the writer. */
  get otherBytes(): number {
    return this.writer.otherBytes + this.#otherBytes;
  }

  send(items: readonly Uint8Array[], content: FrameContent): void {
    const receipt = this.#unacknowledged.add(content);
    this.#otherBytes += content.otherBytes;
    this.#pipe.send(new EncodedFrame(items, { through: content.through, receipt }));
  }

  /** Acknowledges all frames up to the one with this receipt: see {@link SentFrames.acknowledge}. */
  acknowledge(receipt: number): FrameContent {
    const newly = this.#unacknowledged.acknowledge(receipt);
    this.#otherBytes -= newly.otherBytes;
    return newly;
  }
}
