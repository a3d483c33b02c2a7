import { createHash } from "node:crypto";
import { ChatError } from "../../core/chat_error.ts";

const bufferBytes = 256 * 1024;
/** Error codes of a disk that is full or failing. */
const diskFailures = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS"]);

/**
 * The folder of files: `ab/ab…` is the content with this SHA-256, and `uploads/17` the received part of an upload. It
 * does not know which messages and users the files belong to.
 */
export class ContentFolder {
  readonly #folder: string;

  /** Creates no folder before the first write. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the number of received bytes of an upload. */
  async receivedBytes(key: number): Promise<number> {
    try {
      return (await Deno.stat(this.#uploadPath(key))).size;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return 0;
      throw error;
    }
  }

  /**
   * Appends bytes to an upload if `offset` is its current size. @returns the new size.
   * @throws {ChatError} `storage_full`, possibly after appending some of the bytes
   */
  async append(key: number, { offset, bytes }: { offset: number; bytes: Uint8Array }): Promise<number> {
    return await mapDiskErrors(async () => {
      using file = await this.#openUpload(key);
      const { size } = await file.stat();
      if (size !== offset) return size;
      await file.seek(offset, Deno.SeekMode.Start);
      for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      return offset + bytes.length;
    });
  }

  /** Syncs the received bytes of an upload and returns their SHA-256. @throws {ChatError} `storage_full` */
  async digest(key: number): Promise<string> {
    return await mapDiskErrors(async () => {
      using file = await this.#openUpload(key);
      const hash = createHash("sha256");
      const buffer = new Uint8Array(bufferBytes);
      for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
        hash.update(buffer.subarray(0, count));
      }
      await file.sync();
      return hash.digest("hex");
    });
  }

  /**
   * Makes an upload the durable content with this hash, replacing an existing one.
   * @throws {ChatError} `storage_full`
   */
  async keep(key: number, sha256: string): Promise<void> {
    await mapDiskErrors(async () => {
      const path = this.#contentPath(sha256);
      const folder = path.slice(0, path.lastIndexOf("/"));
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      await Deno.rename(this.#uploadPath(key), path);
      for (const changed of [folder, this.#folder]) await syncFolder(changed);
    });
  }

  /** Undoes {@link keep}, synchronously. */
  undoKeep(key: number, sha256: string): void {
    Deno.renameSync(this.#contentPath(sha256), this.#uploadPath(key));
  }

  /** Reads up to `maxBytes` of a content; undefined if it does not exist. */
  async read(
    sha256: string,
    { offset, maxBytes }: { offset: number; maxBytes: number },
  ): Promise<Uint8Array | undefined> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(this.#contentPath(sha256), { read: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    using _file = file;
    await file.seek(offset, Deno.SeekMode.Start);
    const bytes = new Uint8Array(maxBytes);
    let length = 0;
    while (length < maxBytes) {
      const count = await file.read(bytes.subarray(length));
      if (count === null) break;
      length += count;
    }
    return bytes.subarray(0, length);
  }

  /** Removes the received bytes of an upload, if there are any, synchronously. */
  removeUpload(key: number): void {
    remove(this.#uploadPath(key));
  }

  /** Removes a content, if it exists, synchronously. */
  removeContent(sha256: string): void {
    remove(this.#contentPath(sha256));
  }

  /** Yields the keys of all uploads with received bytes. */
  async *uploads(): AsyncGenerator<number> {
    for await (const name of names(`${this.#folder}/uploads`)) if (/^\d{1,15}$/.test(name)) yield Number(name);
  }

  /** Yields the hashes of all contents. */
  async *contents(): AsyncGenerator<string> {
    for await (const start of names(this.#folder)) {
      if (!/^[0-9a-f]{2}$/.test(start)) continue;
      for await (const name of names(`${this.#folder}/${start}`)) {
        if (/^[0-9a-f]{64}$/.test(name) && name.startsWith(start)) yield name;
      }
    }
  }

  async #openUpload(key: number): Promise<Deno.FsFile> {
    const path = this.#uploadPath(key);
    const options = { read: true, write: true, create: true, mode: 0o600 };
    try {
      return await Deno.open(path, options);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    await Deno.mkdir(`${this.#folder}/uploads`, { recursive: true, mode: 0o700 });
    return await Deno.open(path, options);
  }

  #uploadPath(key: number): string {
    return `${this.#folder}/uploads/${key}`;
  }

  #contentPath(sha256: string): string {
    return `${this.#folder}/${sha256.slice(0, 2)}/${sha256}`;
  }
}

async function* names(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name } of Deno.readDir(folder)) yield name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.NotADirectory)) throw error;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Syncs the entries of a folder to disk, except on systems without support for it. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

async function mapDiskErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (typeof code !== "string" || !diskFailures.has(code)) throw cause;
    throw new ChatError(
      "storage_full",
      "Nothing was saved, because the server's disk is full or failing: try again later, or ask the operator to free space.",
      { cause },
    );
  }
}
