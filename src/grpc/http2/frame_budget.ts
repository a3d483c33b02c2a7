import { ConnectionError, ErrorCode } from "./errors.ts";

/** Frames that a peer may send without need: at once after a rest, and then in a second. */
const idleFrames = { burst: 1_000, perSecond: 100 };

/** Streams that a peer may open and reset: at once after a rest, and then in a second (CVE-2023-44487). */
const resets = { burst: 200, perSecond: 20 };

/** What a DATA frame that is sent lets the peer send: window updates and pings that measure its bandwidth. */
const earnedByData = 2;

/**
 * Bounds the frames by which a peer makes work and no progress: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, RST_STREAM, empty DATA and
 * frames of an unknown type; and how many streams it resets (RFC 9113, section 10.5).
 */
export class FrameBudget {
  readonly #now: () => number;
  #frames = idleFrames.burst;
  #resets = resets.burst;
  #at: number;

  /** @param now a clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#at = now();
  }

  /** A frame without need came. @throws {ConnectionError} ENHANCE_YOUR_CALM */
  spendFrame(): void {
    if (--this.#frames >= 0) return;
    this.#refill();
    if (this.#frames < 0) throw new ConnectionError(ErrorCode.enhanceYourCalm, "Too many frames without need.");
  }

  /** The peer reset a stream that was not done. @throws {ConnectionError} ENHANCE_YOUR_CALM */
  spendReset(): void {
    if (--this.#resets >= 0) return;
    this.#refill();
    if (this.#resets < 0) throw new ConnectionError(ErrorCode.enhanceYourCalm, "Too many streams were reset.");
  }

  /** A DATA frame was sent. */
  earn(): void {
    this.#frames = Math.min(this.#frames + earnedByData, idleFrames.burst);
  }

  /** Only when a bucket is empty: most connections never are there. */
  #refill(): void {
    const seconds = Math.max(this.#now() - this.#at, 0) / 1000;
    this.#at = this.#now();
    this.#frames = Math.min(this.#frames + seconds * idleFrames.perSecond, idleFrames.burst);
    this.#resets = Math.min(this.#resets + seconds * resets.perSecond, resets.burst);
  }
}
