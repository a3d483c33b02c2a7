import { ConnectionError, ErrorCode } from "./errors.ts";
import { initialWindow, maxWindow } from "./flow_window.ts";
import { minMaxFrameBytes, readUint32, Setting } from "./frames.ts";

/**
 * The peer's settings that affect this side. Other settings do not: its encoder uses no dynamic table, and its frames
 * and lists are small.
 */
export class PeerSettings {
  /** Whether a SETTINGS frame was received. */
  wereReceived = false;
  /** Send window of each new stream, in octets. */
  initialWindow = initialWindow;
  /** Streams that this side may have open at once. */
  maxConcurrentStreams = Infinity;

  /**
   * Applies the payload of a SETTINGS frame (RFC 9113, section 6.5.2).
   * @param role the role of this side
   * @returns the growth of the send windows of open streams
   * @throws {ConnectionError} FRAME_SIZE_ERROR, PROTOCOL_ERROR, FLOW_CONTROL_ERROR
   */
  apply(payload: Uint8Array, role: "server" | "client"): number {
    if (payload.length % 6 !== 0) {
      throw new ConnectionError(ErrorCode.frameSizeError, "SETTINGS has an incomplete entry.");
    }
    this.wereReceived = true;
    const before = this.initialWindow;
    for (let at = 0; at < payload.length; at += 6) {
      this.#set(payload[at] << 8 | payload[at + 1], { value: readUint32(payload, at + 2), role });
    }
    return this.initialWindow - before;
  }

  #set(id: number, { value, role }: { value: number; role: "server" | "client" }): void {
    switch (id) {
      case Setting.enablePush:
        if (value > (role === "server" ? 1 : 0)) {
          throw new ConnectionError(ErrorCode.protocolError, "ENABLE_PUSH has a value that the peer may not send.");
        }
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
