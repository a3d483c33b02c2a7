import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import { KeyedLock } from "../keyed_lock.ts";
import type { Limits } from "../limits.ts";
import type { Log } from "../log.ts";
import type { Attachment } from "../messages/message.ts";
import { parseMessageId } from "../messages/message_id.ts";
import { type Metrics, silentMetrics } from "../metrics.ts";
import { Sweep } from "../sweep.ts";
import { TokenBuckets } from "../token_bucket.ts";
import { parseFileName, parseMediaType } from "./file_name.ts";
import type { AddUploadResult, FileQuotas, FileStore, KnownUpload, Upload } from "./file_store.ts";

/** Largest chunk in one request or reply, in bytes: with its envelope it stays within 64 KiB on every transport. */
export const maxChunkBytes = 48 * 1024;
/** Chunks of one user in both directions: 24 MiB at once, then 12 MiB/s. */
const chunksOfUser = { burst: 512, perSecond: 256 };
/** Incomplete uploads of one user. */
const maxUnfinished = 8;
/** Age after which an incomplete upload is replaced by a new one beyond the limit, in milliseconds. */
const staleMs = 60 * 60 * 1000;
/** Lifetime of an upload that is incomplete or not yet in a message, in milliseconds. */
export const uploadLifetimeMs = 24 * 60 * 60 * 1000;
const sweepEveryMs = 10 * 60 * 1000;

export interface FilesOptions {
  store: FileStore;
  clock: GuardedClock;
  log: Log;
  limits: Pick<Limits, "maxFileBytes" | "maxDiskBytes" | "uploadQuotaBytes">;
  /** Counts nothing unless given. */
  metrics?: Metrics;
  /**
   * Returns the attachment of a message that the user may see now; undefined when the message or the attachment does
   * not exist.
   * @throws {ChatError} `not_found`, the same for missing conversations and for hidden ones
   */
  attachmentOf(user: string, message: { with: string; seq: number }): Promise<Attachment | undefined>;
}

export interface Announcement {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
  readonly sha256: Uint8Array;
}

/** Uploads and downloads of files, the same for every transport. */
export class Files {
  readonly #options: FilesOptions;
  readonly #metrics: Metrics;
  readonly #buckets = new TokenBuckets(chunksOfUser);
  readonly #locks = new KeyedLock();
  readonly #running = new Set<Promise<unknown>>();
  readonly #sweep: Sweep;
  #isClosed = false;

  constructor(options: FilesOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? silentMetrics;
    const work = (signal: AbortSignal) => this.#removeUnused(signal);
    const failureEvent = "cannot remove unused files";
    this.#sweep = new Sweep({ everyMs: sweepEveryMs, work, log: options.log, failureEvent });
  }

  /** Removes expired uploads and unused contents, now and every ten minutes, until {@link close}. */
  start(): void {
    this.#sweep.start();
  }

  /**
   * Announces a file, or finds the upload announced with this id.
   * @returns the number of bytes that have arrived; all of them when it is complete
   * @throws {ChatError} `invalid_argument`, `message_id_conflict`, `limit_reached`, `storage_full`
   */
  async begin(owner: string, announcement: Announcement): Promise<{ offset: number }> {
    const upload = this.#parse(owner, announcement);
    return await this.#runExclusive(upload, async () => {
      const { store } = this.#options;
      const known = await store.find(owner, upload.id);
      if (known === undefined) {
        this.#throwOnRefusal(await this.#add(upload), upload);
        return { offset: 0 };
      }
      if (!isSame(known, upload)) {
        throw new ChatError("message_id_conflict", `Upload id ${upload.id} was used for another file: use a new id.`);
      }
      const offset = await this.#offsetOf(known);
      // The process may have ended after the last bytes and before the upload was completed.
      if (offset === known.size && !known.isComplete) await this.#finish(known);
      return { offset };
    });
  }

  /**
   * Appends the next bytes of an upload. Ignores bytes at another offset; the result says where to continue.
   * @returns the number of bytes that have arrived
   * @throws {ChatError} `not_found`, `rate_limited`, `storage_full`; `invalid_argument`, also when all bytes have
   * arrived and do not match the announcement
   */
  async write(owner: string, chunk: { id: string; offset: number; bytes: Uint8Array }): Promise<{ offset: number }> {
    this.#admit(owner);
    const id = parseMessageId(chunk.id);
    const { offset, bytes } = chunk;
    if (bytes.length === 0 || bytes.length > maxChunkBytes) {
      throw new ChatError(
        "invalid_argument",
        `The chunk has ${bytes.length} bytes: send 1 to ${maxChunkBytes} at once.`,
      );
    }
    return await this.#runExclusive({ owner, id }, async () => {
      const upload = await this.#options.store.find(owner, id);
      if (upload === undefined) {
        throw new ChatError("not_found", `You have no upload ${id}; it may have expired. Begin it again.`);
      }
      if (offset + bytes.length > upload.size) {
        throw new ChatError(
          "invalid_argument",
          `The chunk exceeds the announced size of ${upload.size} bytes.`,
        );
      }
      if (upload.isComplete) return { offset: upload.size };
      const arrived = await this.#options.store.write(upload, { offset, bytes });
      if (arrived === upload.size) {
        await this.#finish(upload);
        this.#metrics.uploaded(upload.size);
      }
      return { offset: arrived };
    });
  }

  /**
   * Reads a chunk of a message's file, of at most `maxBytes`.
   * @returns the bytes, none at the end, and the size of the whole file
   * @throws {ChatError} `not_found`, `rate_limited`; `invalid_argument` beyond the end
   */
  async read(
    user: string,
    { with: address, seq, offset }: { with: string; seq: number; offset: number },
    { maxBytes = maxChunkBytes }: { maxBytes?: number } = {},
  ): Promise<{ bytes: Uint8Array; size: number }> {
    this.#admit(user);
    const attachment = await this.#options.attachmentOf(user, { with: address, seq });
    if (attachment === undefined) {
      throw new ChatError("not_found", `There is no file in message ${seq} of this conversation.`);
    }
    const { sha256, size } = attachment;
    if (offset > size) {
      throw new ChatError("invalid_argument", `The offset ${offset} is beyond the end of the file (${size} bytes).`);
    }
    const wanted = Math.min(maxBytes, maxChunkBytes, size - offset);
    const bytes = await this.#track(this.#options.store.read(sha256, { offset, maxBytes: wanted }));
    if (bytes?.length === wanted) return { bytes, size };
    this.#options.log.error("a file is missing or damaged", { sha256, size });
    throw new ChatError("not_found", "The server has lost this file. The operator may find it in a backup.");
  }

  /** Removes expired uploads and contents without a message. Also call it after messages were deleted. */
  sweep(): Promise<void> {
    return this.#sweep.run();
  }

  /** Stops. Resolves once the store is no longer in use. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#sweep.close();
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #removeUnused(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#options;
    const removed = await store.removeUnsent(clock.earliest() - uploadLifetimeMs, signal);
    if (removed > 0) log.info("expired uploads removed", { uploads: removed });
    await store.removeUnheld(signal);
  }

  #parse(owner: string, { id, name, mediaType, size, sha256 }: Announcement): Upload {
    const { limits: { maxFileBytes }, clock } = this.#options;
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new ChatError("invalid_argument", "The file is empty: there is nothing to send.");
    }
    if (size > maxFileBytes) {
      throw new ChatError(
        "limit_reached",
        `The file has ${size} bytes; this server accepts at most ${maxFileBytes}.`,
      );
    }
    if (sha256.length !== 32) throw new ChatError("invalid_argument", "The SHA-256 must have 32 bytes.");
    return {
      owner,
      id: parseMessageId(id),
      name: parseFileName(name),
      mediaType: parseMediaType(mediaType),
      size,
      sha256: sha256.toHex(),
      begunAt: clock.latest(),
    };
  }

  get #quotas(): FileQuotas {
    const { uploadQuotaBytes: maxBytesOfOwner, maxDiskBytes } = this.#options.limits;
    return { maxUnfinished, maxBytesOfOwner, maxDiskBytes };
  }

  /** Adds an upload, replacing a stale incomplete one if the user has too many. */
  async #add(upload: Upload): Promise<AddUploadResult> {
    const { store, clock } = this.#options;
    const result = await store.add(upload, this.#quotas);
    if (result !== "unfinished" || !await store.removeUnfinished(upload.owner, clock.earliest() - staleMs)) {
      return result;
    }
    return await store.add(upload, this.#quotas);
  }

  #throwOnRefusal(result: AddUploadResult, { size }: Upload): void {
    if (result === "unfinished") {
      throw new ChatError(
        "limit_reached",
        `You have ${maxUnfinished} unfinished uploads. Finish one, or wait until one expires.`,
      );
    }
    if (result === "owner_full") {
      const { uploadQuotaBytes } = this.#options.limits;
      throw new ChatError(
        "limit_reached",
        `A file of ${size} bytes would exceed your quota of ${uploadQuotaBytes} bytes. Delete messages with files first.`,
      );
    }
    if (result === "disk_full") {
      throw new ChatError(
        "storage_full",
        "The server is out of storage. Try again later, or ask the operator to free space.",
      );
    }
  }

  async #offsetOf(upload: KnownUpload): Promise<number> {
    return upload.isComplete ? upload.size : await this.#options.store.received(upload);
  }

  async #finish(upload: Upload): Promise<void> {
    if (await this.#options.store.finish(upload)) return;
    throw new ChatError("invalid_argument", "The uploaded content does not match the announced file. Upload it again.");
  }

  #admit(user: string): void {
    const retryAfterMs = this.#buckets.take(user, this.#options.clock.now());
    if (retryAfterMs > 0) {
      throw new ChatError("rate_limited", "Too many file chunks. Wait a moment.", { retryAfterMs });
    }
  }

  #runExclusive<T>({ owner, id }: { owner: string; id: string }, task: () => Promise<T>): Promise<T> {
    return this.#track(this.#locks.run(`${owner} ${id}`, async () => {
      if (this.#isClosed) {
        throw new ChatError("unavailable", "The server is shutting down.", { retryAfterMs: 1_000 });
      }
      return await task();
    }));
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const done = work.then(() => {}, () => {}).finally(() => this.#running.delete(done));
    this.#running.add(done);
    return work;
  }
}

function isSame(one: Attachment, other: Attachment): boolean {
  return one.name === other.name && one.mediaType === other.mediaType && one.size === other.size &&
    one.sha256 === other.sha256;
}
