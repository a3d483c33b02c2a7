/** Largest window (RFC 9113, section 6.9.1). */
export const maxWindow = 2 ** 31 - 1;

/** Initial window of each stream and connection (RFC 9113, section 6.9.2). */
export const initialWindow = 65_535;

/**
 * Octets of DATA that this side may still send; negative after the peer reduced its initial window (RFC 9113, section
 * 6.9.2).
 */
export class SendWindow {
  #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  spend(bytes: number): void {
    this.#size -= bytes;
  }

  /** Adds to the window. @returns false when it would be too large. */
  grow(bytes: number): boolean {
    this.#size += bytes;
    return this.#size <= maxWindow;
  }
}

/** Octets of DATA that the peer may still send; used octets are returned to it in portions of half a window. */
export class ReceiveWindow {
  #target: number;
  #size: number;
  /** Octets that were used and are not returned yet. */
  #owed = 0;

  constructor(size: number) {
    this.#target = size;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  /** Counts received octets. @returns false when the peer was not allowed to send them */
  receive(bytes: number): boolean {
    this.#size -= bytes;
    return this.#size >= 0;
  }

  /** Returns used octets to the peer. @returns octets for a WINDOW_UPDATE now; 0 while they are not worth a frame */
  release(bytes: number): number {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#target) return 0;
    return this.#settle();
  }

  /** Enlarges the window. @returns octets for a WINDOW_UPDATE; 0 when the window is as large already */
  enlarge(size: number): number {
    this.#owed += Math.max(size - this.#target, 0);
    this.#target = Math.max(size, this.#target);
    return this.#settle();
  }

  #settle(): number {
    const given = this.#owed;
    this.#owed = 0;
    this.#size += given;
    return given;
  }
}
