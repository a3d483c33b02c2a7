import { RecentMap } from "../../core/recent_map.ts";

/** Smallest chunk whose upload cost pays for its reply, in bytes. */
export const minPaidChunkBytes = 16 * 1024;
/** Uploads that are remembered. */
const maxUploads = 10_000;

/** Progress of an upload after one of its chunks. */
export interface UploadProgress {
  readonly id: string;
  /** Bytes of the chunk. */
  readonly length: number;
  /** Bytes of the upload that have arrived. */
  readonly offset: number;
}

/**
 * Distinguishes replies to chunks that advance an upload, which the rate of chunks and the disk quota bound, from
 * replies that a client can request endlessly: to tiny, repeated or misplaced chunks.
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
