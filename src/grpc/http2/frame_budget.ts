import { ConnectionError, ErrorCode } from "./errors.ts";

/** Frames without progress that a peer may send: the burst after a rest, and the rate per second. */
export const idleFrames = { burst: 1_000, perSecond: 100 };

/** Streams that a peer may open and have reset, by either side: the burst after a rest, and the rate per second. */
export const resets = { burst: 200, perSecond: 20 };

/**
 * Frames that the peer may send for each DATA frame that it receives: window updates, and pings that measure its
 * bandwidth.
 */
const earnedByData = 2;

const performanceNow = () => performance.now();

/**
 * Bounds the frames by which a peer causes work without progress: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, RST_STREAM,
 * empty DATA and frames of unknown types. Also bounds the streams that it resets or breaks (RFC 9113, section 10.5;
 * CVE-2023-44487, CVE-2025-8671).
 */
export class FrameBudget {
  readonly #now: () => number;
  #frames = idleFrames.burst;
  #resets = resets.burst;
  #at: number;

  /** @param now a clock in milliseconds */
  constructor(now = performanceNow) {
    this.#now = now;
    this.#at = now();
  }

  /** Counts a frame without progress. @throws {ConnectionError} ENHANCE_YOUR_CALM */
  spendFrame(): void {
    if (--this.#frames >= 0) return;
    this.#refill();
    if (this.#frames < 0) throw new ConnectionError(ErrorCode.enhanceYourCalm, "Too many frames without progress.");
  }

  /** Counts a stream that the peer reset or broke. @throws {ConnectionError} ENHANCE_YOUR_CALM */
  spendReset(): void {
    if (--this.#resets >= 0) return;
    this.#refill();
    if (this.#resets < 0) throw new ConnectionError(ErrorCode.enhanceYourCalm, "Too many streams were reset.");
  }

  /** Counts a DATA frame that was sent. */
  earn(): void {
    this.#frames = Math.min(this.#frames + earnedByData, idleFrames.burst);
  }

  /** Refills both buckets. Called only when one is empty, which most connections never reach. */
  #refill(): void {
    const seconds = Math.max(this.#now() - this.#at, 0) / 1000;
    this.#at = this.#now();
    this.#frames = Math.min(this.#frames + seconds * idleFrames.perSecond, idleFrames.burst);
    this.#resets = Math.min(this.#resets + seconds * resets.perSecond, resets.burst);
  }
}
