import { createHash } from "node:crypto";
import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";
import { maxChunkBytes } from "../core/files/files.ts";
import type { Attachment } from "../core/messages/message.ts";
import { createMessageId } from "../core/messages/message_id.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";
import type { FileLink, FileTransport } from "./file_transport.ts";
import { isFatal } from "./server_error.ts";
import { type Timers, wait } from "./timers.ts";

/** A file to upload. Its owner opens and closes it. */
export interface FileSource {
  /** A name within the rules of `parseFileName`. */
  readonly name: string;
  /** Empty when unknown. */
  readonly mediaType: string;
  /** Size in bytes. */
  readonly size: number;
  /** Reads `maxBytes` from `offset` on; fewer only at the end of the file. */
  read(offset: number, maxBytes: number): Promise<Uint8Array>;
}

/** The destination of a download, written in order. Its owner opens and closes it. */
export interface FileSink {
  write(bytes: Uint8Array): Promise<void>;
}

/** A file on the server, to send with a message. */
export interface UploadedFile {
  readonly uploadId: string;
  readonly attachment: Attachment;
}

export interface TransferOptions {
  /** Called with the transferred bytes and the size of the file. */
  onProgress?(bytes: number, size: number): void;
  /** Aborts the transfer, which rejects with `unavailable`. */
  signal?: AbortSignal;
}

export interface FileTransferOptions {
  readonly transport: FileTransport;
  /** Returns the current token. */
  token(): string;
  readonly timers: Timers;
  readonly backoff?: BackoffOptions;
}

/** Chunks in flight at once. */
const windowChunks = 4;
const hashBytes = 256 * 1024;
/** Errors after which the transfer goes on: over the same connection after a pause, or over a new one. */
const pauseCodes: ReadonlySet<ChatErrorCode> = new Set(["busy", "rate_limited"]);
const retryCodes: ReadonlySet<ChatErrorCode> = new Set(["unavailable", ...pauseCodes]);
/** Interrupted uploads to remember. */
const maxInterrupted = 8;

/** Uploads and downloads files. After a lost connection, a transfer resumes over the next one. */
export class FileTransfer {
  readonly #options: FileTransferOptions;
  /** Ids of interrupted uploads by their files: an upload of the same file resumes. */
  readonly #interrupted = new Map<string, string>();

  constructor(options: FileTransferOptions) {
    this.#options = options;
  }

  /** Uploads a file. @throws {ChatError} the server's refusal; `invalid_argument` when the file changes meanwhile */
  async upload(source: FileSource, options: TransferOptions = {}): Promise<UploadedFile> {
    const { name, mediaType, size } = source;
    const sha256 = await digestOf(source, options.signal);
    const attachment = { name, mediaType, size, sha256: sha256.toHex() };
    const id = this.#takeInterrupted(attachment) ?? createMessageId(this.#options.timers.now());
    try {
      await this.#send(id, { source, sha256, options });
    } catch (error) {
      this.#interrupt(attachment, id);
      throw error;
    }
    return { uploadId: id, attachment };
  }

  async #send(
    id: string,
    { source, sha256, options }: { source: FileSource; sha256: Uint8Array; options: TransferOptions },
  ): Promise<void> {
    const { name, mediaType, size } = source;
    await this.#overLinks(options, async (link, noteProgress) => {
      const { offset } = await link.beginUpload({ id, name, mediaType, size, sha256 });
      options.onProgress?.(offset, size);
      await sendFrom(offset, {
        source,
        send: async (offset, bytes) => (await link.uploadChunk({ id, offset, bytes })).offset,
        onArrived: (offset) => {
          noteProgress();
          options.onProgress?.(offset, size);
        },
        signal: options.signal,
      });
    });
  }

  #takeInterrupted(attachment: Attachment): string | undefined {
    const key = JSON.stringify(attachment);
    const id = this.#interrupted.get(key);
    this.#interrupted.delete(key);
    return id;
  }

  #interrupt(attachment: Attachment, id: string): void {
    this.#interrupted.set(JSON.stringify(attachment), id);
    const [oldest] = this.#interrupted.keys();
    if (this.#interrupted.size > maxInterrupted) this.#interrupted.delete(oldest);
  }

  /** Downloads the file of a message. @throws {ChatError} the server's refusal; `internal` for a wrong content */
  async download(
    { with: address, seq, attachment }: { with: string; seq: number; attachment: Attachment },
    sink: FileSink,
    options: TransferOptions = {},
  ): Promise<void> {
    const { size } = attachment;
    const hash = createHash("sha256");
    let taken = 0;
    await this.#overLinks(options, async (link, noteProgress) => {
      await receiveFrom(taken, {
        size,
        read: async (offset) => {
          const chunk = await link.readChunk({ with: address, seq, offset });
          if (chunk.size !== size) throw wrongFile();
          return chunk.bytes;
        },
        take: async (bytes) => {
          await sink.write(bytes);
          hash.update(bytes);
          taken += bytes.length;
          noteProgress();
          options.onProgress?.(taken, size);
        },
        signal: options.signal,
      });
    });
    if (hash.digest("hex") !== attachment.sha256) throw wrongFile();
  }

  async #overLinks(
    { signal }: TransferOptions,
    transfer: (link: FileLink, noteProgress: () => void) => Promise<void>,
  ): Promise<void> {
    const { transport, token, backoff: backoffOptions } = this.#options;
    const backoff = new Backoff(backoffOptions);
    let link: FileLink | undefined;
    let usedToken = "";
    try {
      while (true) {
        try {
          throwIfAborted(signal);
          if (link === undefined) usedToken = token();
          link ??= await transport.openFiles({ token: usedToken, signal });
          return await transfer(link, () => backoff.reset());
        } catch (error) {
          throwIfAborted(signal);
          // A changed password replaces the token.
          const isStale = error instanceof ChatError && isFatal(error) && token() !== usedToken;
          if (!(error instanceof ChatError) || !(isStale || retryCodes.has(error.code))) throw error;
          if (!pauseCodes.has(error.code)) {
            await link?.close();
            link = undefined;
          }
          await wait(this.#options.timers, Math.max(backoff.next(), error.retryAfterMs ?? 0), signal);
        }
      }
    } finally {
      await link?.close();
    }
  }
}

async function digestOf(source: FileSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for (let offset = 0; offset < source.size;) {
    throwIfAborted(signal);
    const bytes = await source.read(offset, Math.min(hashBytes, source.size - offset));
    if (bytes.length === 0) throw fileChanged(source);
    hash.update(bytes);
    offset += bytes.length;
  }
  return new Uint8Array(hash.digest());
}

interface Sending {
  readonly source: FileSource;
  /** Sends a chunk. @returns the bytes of the file that the server has */
  send(offset: number, bytes: Uint8Array): Promise<number>;
  onArrived(offset: number): void;
  readonly signal: AbortSignal | undefined;
}

/** Uploads from `offset` on, a window at a time. The server drops a chunk that overtakes another: it is sent again. */
async function sendFrom(offset: number, { source, send, onArrived, signal }: Sending): Promise<void> {
  let next = offset;
  let known = offset;
  while (known < source.size) {
    throwIfAborted(signal);
    const sending: Promise<number>[] = [];
    for (; sending.length < windowChunks && next < source.size;) {
      const bytes = await source.read(next, Math.min(maxChunkBytes, source.size - next));
      if (bytes.length === 0) throw fileChanged(source);
      sending.push(send(next, bytes));
      sending.at(-1)!.catch(() => {});
      next += bytes.length;
    }
    const before = known;
    for (const result of await Promise.allSettled(sending)) {
      if (result.status === "rejected") throw result.reason;
      known = Math.max(known, result.value);
    }
    if (known === before) throw new ChatError("unavailable", "The server accepts no more of the file: trying again.");
    next = known;
    onArrived(known);
  }
}

interface Receiving {
  readonly size: number;
  read(offset: number): Promise<Uint8Array>;
  take(bytes: Uint8Array): Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** Downloads from `offset` on, a window at a time. */
async function receiveFrom(offset: number, { size, read, take, signal }: Receiving): Promise<void> {
  let next = offset;
  while (next < size) {
    throwIfAborted(signal);
    const reading: Promise<Uint8Array>[] = [];
    for (let at = next; reading.length < windowChunks && at < size; at += maxChunkBytes) {
      reading.push(read(at));
      reading.at(-1)!.catch(() => {});
    }
    for (const each of reading) {
      const bytes = await each;
      const wanted = Math.min(maxChunkBytes, size - next);
      if (bytes.length === 0 || bytes.length > wanted) throw wrongFile();
      await take(bytes);
      next += bytes.length;
      // After a short chunk, the others in the window begin too late.
      if (bytes.length < wanted) break;
    }
    await Promise.allSettled(reading);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ChatError("unavailable", "The transfer was cancelled.");
}

function fileChanged({ name }: FileSource): ChatError {
  return new ChatError(
    "invalid_argument",
    `"${name}" became shorter while it was sent: send it when no program writes to it.`,
  );
}

function wrongFile(): ChatError {
  return new ChatError("internal", "The server sent another content than the file of this message: try again.");
}
