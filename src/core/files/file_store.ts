import type { Attachment } from "../messages/message.ts";

/** A file that its owner announced: what arrives must be that. */
export interface Upload extends Attachment {
  readonly owner: string;
  /** UUIDv7 in lower case, made by the owner's client; unique for each owner. */
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly begunAt: number;
}

export interface KnownUpload extends Upload {
  /** Everything has arrived and is what was announced; maybe it is a message's attachment already. */
  readonly isComplete: boolean;
}

export interface FileQuotas {
  /** Uploads of one owner that are not complete. */
  readonly maxUnfinished: number;
  /** Files of one owner, in bytes; announced ones count whole, and each as 4 KiB at least. */
  readonly maxBytesOfOwner: number;
  /** On disk, the database included, in bytes; undefined sets no limit. */
  readonly maxDiskBytes: number | undefined;
}

/** Whether an upload was added, or which quota it would go beyond. */
export type AddUploadResult = "added" | "unfinished" | "owner_full" | "disk_full";

/**
 * Files of messages, and those that arrive. Contents are kept once each, however many have them; one that no file has any more is
 * removed in time. One process owns it; calls may overlap, but for one upload only one of `write` and `finish` at a time.
 *
 * A complete upload becomes the attachment of a message by an append to the log that names it, and goes with the message.
 *
 * @example
 * ```ts
 * // Adds a whole file, of which nothing has arrived before.
 * async function store(files: FileStore, upload: Upload, bytes: Uint8Array): Promise<boolean> {
 *   const quotas = { maxUnfinished: 10, maxBytesOfOwner: 100 * 1024 ** 2, maxDiskBytes: undefined };
 *   if (await files.add(upload, quotas) !== "added") return false;
 *   await files.write(upload, { offset: 0, bytes });
 *   return await files.finish(upload);
 * }
 * ```
 */
export interface FileStore {
  find(owner: string, id: string): Promise<KnownUpload | undefined>;

  /** Adds an upload of which nothing has arrived, within the quotas. Its owner has none with this id. @throws {ChatError} `storage_full`. */
  add(upload: Upload, quotas: FileQuotas): Promise<AddUploadResult>;

  /** What quotas of the disk are compared to: contents, what is announced, and the database that is kept beside them. In bytes. */
  diskBytes(): Promise<number>;

  /** How many bytes of an unfinished upload have arrived. */
  received(upload: Upload): Promise<number>;

  /**
   * Adds bytes to an unfinished upload if they begin where the arrived ones end, else nothing.
   * @returns how many have arrived now.
   * @throws {ChatError} `storage_full`: what had arrived is gone, so that messages have the room; `not_found` when the upload was
   * removed meanwhile.
   */
  write(upload: Upload, chunk: { offset: number; bytes: Uint8Array }): Promise<number>;

  /**
   * Makes an upload of which everything has arrived complete, and durable. When its content is not what was announced, the upload
   * is removed. Nobody can tell by it whether the content was there before.
   * @returns whether it is complete. @throws {ChatError} `storage_full`, and nothing has changed; `not_found` as `write` does.
   */
  finish(upload: Upload): Promise<boolean>;

  /** Up to `maxBytes` of a content from `offset` on, fewer only at its end; undefined when it is not there. */
  read(sha256: string, from: { offset: number; maxBytes: number }): Promise<Uint8Array | undefined>;

  /** Removes uploads that were begun before `before` and belong to no message. `signal` leaves the rest for later. @returns how many */
  removeUnsent(before: number, signal?: AbortSignal): Promise<number>;

  /** Removes the owner's oldest upload that is not complete, if it was begun before `before`. @returns whether there was one */
  removeUnfinished(owner: string, before: number): Promise<boolean>;

  /** Removes contents that no file has any more, also those that earlier processes left behind. `signal` leaves the rest for later. */
  removeUnheld(signal?: AbortSignal): Promise<void>;
}
