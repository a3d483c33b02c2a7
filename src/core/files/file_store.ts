import type { Attachment } from "../messages/message.ts";

/** A file that its owner announced; its content must match the announcement. */
export interface Upload extends Attachment {
  readonly owner: string;
  /** UUIDv7 in lower case, made by the owner's client; unique for each owner. */
  readonly id: string;
  /** Milliseconds since the Unix epoch. */
  readonly begunAt: number;
}

export interface KnownUpload extends Upload {
  /** All bytes have arrived and match the announcement; the file may be attached to a message. */
  readonly isComplete: boolean;
}

export interface FileQuotas {
  /** Incomplete uploads of one owner. */
  readonly maxUnfinished: number;
  /** Files of one owner, in bytes; announced files count in full, each as at least 4 KiB. */
  readonly maxBytesOfOwner: number;
  /** Bytes on disk, including the database; undefined for no limit. */
  readonly maxDiskBytes: number | undefined;
}

/** The result of adding an upload, or the quota that it would exceed. */
export type AddUploadResult = "added" | "unfinished" | "owner_full" | "disk_full";

/**
 * Files of messages, and uploads. Equal contents are stored once, and removed some time after the last file that has
 * them. One process owns the store; calls may overlap, except `write` and `finish` of one upload.
 *
 * A complete upload becomes the attachment of a message when an entry that names it is appended to the log, and is
 * removed with that message.
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

  /**
   * Adds an empty upload within the quotas. The owner must not have one with this id.
   * @throws {ChatError} `storage_full`
   */
  add(upload: Upload, quotas: FileQuotas): Promise<AddUploadResult>;

  /** Bytes that count towards the disk quota: contents, announced bytes, and the database beside them. */
  diskBytes(): Promise<number>;

  /** Number of bytes of an incomplete upload that have arrived. */
  received(upload: Upload): Promise<number>;

  /**
   * Appends bytes to an incomplete upload if they start where it ends; otherwise writes nothing.
   * @returns the number of bytes that have arrived
   * @throws {ChatError} `storage_full` after discarding the upload's bytes, which leaves the room to messages;
   * `not_found` when the upload was removed meanwhile
   */
  write(upload: Upload, chunk: { offset: number; bytes: Uint8Array }): Promise<number>;

  /**
   * Completes an upload whose bytes have all arrived, durably. Removes the upload if its content does not match the
   * announcement. The caller cannot tell whether the content was stored before.
   * @returns whether it is complete
   * @throws {ChatError} `storage_full` without any change; `not_found` as `write` does
   */
  finish(upload: Upload): Promise<boolean>;

  /** Reads up to `maxBytes` of a content from `offset` on, fewer only at its end; undefined when it is missing. */
  read(sha256: string, from: { offset: number; maxBytes: number }): Promise<Uint8Array | undefined>;

  /**
   * Removes uploads begun before `before` that belong to no message. `signal` leaves the rest for later.
   * @returns the number removed
   */
  removeUnsent(before: number, signal?: AbortSignal): Promise<number>;

  /** Removes the owner's oldest incomplete upload, if it was begun before `before`. @returns whether one was removed */
  removeUnfinished(owner: string, before: number): Promise<boolean>;

  /**
   * Removes contents without a file, also those left behind by earlier processes. `signal` leaves the rest for later.
   */
  removeUnheld(signal?: AbortSignal): Promise<void>;
}
