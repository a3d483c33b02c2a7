import { RecentMap } from "../../core/recent_map.ts";

/** A chunk that was taken costs its sender enough for a reply if it has at least these bytes. */
export const minPaidChunkBytes = 16 * 1024;
/** Uploads that are remembered. */
const maxUploads = 10_000;

/** The answer to a chunk of an upload. */
export interface UploadProgress {
  readonly id: string;
  /** Bytes of the chunk. */
  readonly length: number;
  /** Bytes of the upload that have arrived. */
  readonly offset: number;
}

/**
 * Tells replies that bring an upload forward, which the rate of chunks and the disk quota bound, from those that a client can
 * have again and again: to a chunk of a few bytes, a chunk that came before, or a chunk out of order.
 */
export class UploadReplies {
  /** Bytes that had arrived at the last paid reply, by user and upload. */
  readonly #arrived = new RecentMap<string, number>(maxUploads);

  isPaid(user: string, { id, length, offset }: UploadProgress): boolean {
    const key = `${user} ${id}`;
    if (length < minPaidChunkBytes || offset <= (this.#arrived.get(key) ?? 0)) return false;
    this.#arrived.set(key, offset);
    return true;
  }
}
