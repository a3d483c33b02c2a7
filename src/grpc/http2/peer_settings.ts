import { ConnectionError, ErrorCode } from "./errors.ts";
import { initialWindow, maxWindow } from "./flow_window.ts";
import { minMaxFrameBytes, readUint32, Setting } from "./frames.ts";

/** The settings of the peer that this code heeds. What it sends needs no header table and no knowledge of the size of lists. */
export class PeerSettings {
  /** Window of each new stream, in octets. */
  initialWindow = initialWindow;
  /** Streams that this side may have open at once. */
  maxConcurrentStreams = Infinity;

  /**
   * Applies the payload of a SETTINGS frame (RFC 9113, section 6.5.2). @returns by how much the windows of the open streams grow.
   * @throws {ConnectionError} FRAME_SIZE_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR
   */
  apply(payload: Uint8Array): number {
    if (payload.length % 6 !== 0) throw new ConnectionError(ErrorCode.frameSizeError, "SETTINGS has half an entry.");
    const before = this.initialWindow;
    for (let at = 0; at < payload.length; at += 6) {
      this.#set(payload[at] << 8 | payload[at + 1], readUint32(payload, at + 2));
    }
    return this.initialWindow - before;
  }

  #set(id: number, value: number): void {
    switch (id) {
      case Setting.enablePush:
        if (value > 1) throw new ConnectionError(ErrorCode.protocolError, "ENABLE_PUSH is neither 0 nor 1.");
        return;
      case Setting.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return;
      case Setting.initialWindowSize:
        if (value > maxWindow) {
          throw new ConnectionError(ErrorCode.flowControlError, "INITIAL_WINDOW_SIZE is too large.");
        }
        this.initialWindow = value;
        return;
      case Setting.maxFrameSize:
        if (value < minMaxFrameBytes || value > 2 ** 24 - 1) {
          throw new ConnectionError(ErrorCode.protocolError, "MAX_FRAME_SIZE is out of its range.");
        }
    }
  }
}
