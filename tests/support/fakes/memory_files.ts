// deno-lint-ignore-file require-await
import { ChatError } from "../../../src/core/chat_error.ts";
import type {
  AddUploadResult,
  FileQuotas,
  FileStore,
  KnownUpload,
  Upload,
} from "../../../src/core/files/file_store.ts";
import type { Attachment } from "../../../src/core/messages/message.ts";

interface Entry {
  readonly upload: Upload;
  bytes: Uint8Array;
  isComplete: boolean;
  position: number | undefined;
}

/** Files without a disk: nothing outlives the object. */
export class MemoryFiles implements FileStore {
  readonly #entries = new Map<string, Entry>();
  /** What is read when nobody has it any more; what an earlier process left behind. */
  readonly #contents = new Map<string, Uint8Array>();

  async find(owner: string, id: string): Promise<KnownUpload | undefined> {
    const entry = this.#entries.get(key({ owner, id }));
    return entry && { ...entry.upload, isComplete: entry.isComplete };
  }

  async add(upload: Upload, quotas: FileQuotas): Promise<AddUploadResult> {
    const all = [...this.#entries.values()];
    const own = all.filter((entry) => entry.upload.owner === upload.owner);
    if (own.filter(({ isComplete }) => !isComplete).length >= quotas.maxUnfinished) return "unfinished";
    const used = own.reduce((sum, entry) => sum + Math.max(entry.upload.size, 4096), 0);
    if (used + Math.max(upload.size, 4096) > quotas.maxBytesOfOwner) return "owner_full";
    const { maxDiskBytes } = quotas;
    if (maxDiskBytes !== undefined && await this.diskBytes() + upload.size > maxDiskBytes) return "disk_full";
    this.#entries.set(key(upload), { upload, bytes: new Uint8Array(), isComplete: false, position: undefined });
    return "added";
  }

  async diskBytes(): Promise<number> {
    const unfinished = [...this.#entries.values()].filter(({ isComplete }) => !isComplete);
    const announced = unfinished.reduce((sum, entry) => sum + entry.upload.size, 0);
    return announced + [...this.#contents.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  }

  async received(upload: Upload): Promise<number> {
    return this.#entries.get(key(upload))?.bytes.length ?? 0;
  }

  async write(upload: Upload, { offset, bytes }: { offset: number; bytes: Uint8Array }): Promise<number> {
    const entry = this.#find(upload);
    if (entry.bytes.length === offset) entry.bytes = new Uint8Array([...entry.bytes, ...bytes]);
    return entry.bytes.length;
  }

  async finish(upload: Upload): Promise<boolean> {
    const entry = this.#find(upload);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", entry.bytes.slice()));
    if (digest.toHex() !== upload.sha256) {
      this.#entries.delete(key(upload));
      return false;
    }
    this.#contents.set(upload.sha256, entry.bytes);
    entry.isComplete = true;
    return true;
  }

  async read(
    sha256: string,
    { offset, maxBytes }: { offset: number; maxBytes: number },
  ): Promise<Uint8Array | undefined> {
    return this.#contents.get(sha256)?.slice(offset, offset + maxBytes);
  }

  async removeUnsent(before: number): Promise<number> {
    const due = [...this.#entries].filter(([, { upload, position }]) =>
      position === undefined && upload.begunAt < before
    );
    for (const [name] of due) this.#entries.delete(name);
    return due.length;
  }

  async removeUnfinished(owner: string, before: number): Promise<boolean> {
    const [oldest] = [...this.#entries].filter(([, { upload, isComplete }]) =>
      upload.owner === owner && !isComplete && upload.begunAt < before
    );
    return oldest !== undefined && this.#entries.delete(oldest[0]);
  }

  async removeUnheld(): Promise<void> {
    const held = new Set([...this.#entries.values()].filter((one) => one.isComplete).map((one) => one.upload.sha256));
    for (const sha256 of [...this.#contents.keys()]) if (!held.has(sha256)) this.#contents.delete(sha256);
  }

  /** As the log does it when a message names the upload. */
  async attach(position: number, upload: { owner: string; id: string }): Promise<Attachment | undefined> {
    const entry = this.#entries.get(key(upload));
    if (!entry?.isComplete || entry.position !== undefined) return undefined;
    entry.position = position;
    return attachmentOf(entry.upload);
  }

  async at(position: number): Promise<Attachment | undefined> {
    const entry = this.#at(position);
    return entry && attachmentOf(entry.upload);
  }

  async uploadAt(position: number): Promise<string | undefined> {
    return this.#at(position)?.upload.id;
  }

  async removeAt(position: number): Promise<void> {
    const entry = this.#at(position);
    if (entry) this.#entries.delete(key(entry.upload));
  }

  #find(upload: Upload): Entry {
    const entry = this.#entries.get(key(upload));
    if (entry === undefined) throw new ChatError("not_found", `There is no upload ${upload.id}.`);
    return entry;
  }

  #at(position: number): Entry | undefined {
    return [...this.#entries.values()].find((entry) => entry.position === position);
  }
}

function attachmentOf({ name, mediaType, size, sha256 }: Upload): Attachment {
  return { name, mediaType, size, sha256 };
}

function key({ owner, id }: { owner: string; id: string }): string {
  return `${owner} ${id}`;
}
