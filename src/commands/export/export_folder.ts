import type { ExportTarget } from "../../client/data_export.ts";
import type { ResumePoint } from "../../client/delivery_cursor.ts";
import type { FileSink } from "../../client/file_transfer.ts";
import { ChatError } from "../../core/chat_error.ts";
import { type Conversation, Message } from "../../gen/chatd/v1/chat.ts";
import { syncFolder, takeEmptyFolder } from "../../store/files/durable_files.ts";
import { jsonObject } from "../../wire/json_messages.ts";

/** Identifies the user and the log of an export: only an export with the same identity can be resumed. */
export interface ExportIdentity {
  readonly user: string;
  /** Address of the server, such as "127.0.0.1:50051". */
  readonly server: string;
  readonly epoch: string;
}

interface About extends ExportIdentity {
  readonly format: number;
  /**
   * The log's incarnation when entries were last written; absent in folders of old versions and of servers without
   * incarnations.
   */
  readonly incarnation?: string;
}

/** Format 1 named the file and its hash in the attachment of an entry. */
const format = 2;
const tailBytes = 256 * 1024;
const conversationName = /^(?:\+[a-z2-7]{26}|[a-z0-9][a-z0-9._-]{0,63})$/;

/**
 * The folder of a user's export, accessible to its owner only: `profile.json`, `conversations.json`, a file of JSON
 * Lines for each conversation, and files named by the SHA-256 of their content. `complete.json` is written last;
 * without it, the next run resumes the export.
 */
export class ExportFolder implements ExportTarget {
  readonly #path: string;
  readonly #identity: ExportIdentity;
  #newestPosition: number;

  /**
   * Returns the position of the unfinished export in a folder, with which the server decides whether its log is still
   * the exported one; undefined if there is no such export.
   */
  static resumePoint(path: string): ResumePoint | undefined {
    const about = readAbout(path);
    if (about?.format !== format) return undefined;
    const { epoch, incarnation } = about;
    return { epoch, incarnation, after: newestPosition(`${path}/conversations`) };
  }

  /** @throws {ChatError} `already_exists` if the folder contains other files or a finished export; `not_found` */
  constructor(path: string, identity: ExportIdentity) {
    this.#path = path;
    this.#identity = identity;
    this.#newestPosition = newestPosition(`${path}/conversations`);
    if (takeEmptyFolder(path)) {
      for (const folder of ["conversations", "files"]) Deno.mkdirSync(`${path}/${folder}`, { mode: 0o700 });
      this.#write("export", { format, ...identity });
      return;
    }
    if (exists(`${path}/complete.json`)) {
      throw new ChatError("already_exists", `"${path}" contains a finished export: choose another folder with --out.`);
    }
    const about = readAbout(path);
    const isSame = about?.format === format && about.user === identity.user && about.server === identity.server &&
      about.epoch === identity.epoch;
    if (!isSame) {
      throw new ChatError(
        "already_exists",
        `"${path}" contains something other than an unfinished export of ${identity.user} from this server's log: ` +
          "choose another folder with --out.",
      );
    }
  }

  /** The newest position of the exported entries. */
  get newestPosition(): number {
    return this.#newestPosition;
  }

  /**
   * Records the log's current incarnation, which contains all exported entries; empty if the server has no
   * incarnations.
   */
  continueIn(incarnation: string): void {
    this.#write("export", { format, ...this.#identity, ...(incarnation !== "" && { incarnation }) });
  }

  newestSeq(conversation: Conversation): Promise<number> {
    const path = this.#log(conversation);
    const { entry, end } = readLastEntry(path);
    // An interrupted run may have left a partial line.
    if (exists(path)) Deno.truncateSync(path, end);
    return Promise.resolve(entry?.seq ?? 0);
  }

  addEntries(conversation: Conversation, entries: readonly Message[]): Promise<void> {
    using file = Deno.openSync(this.#log(conversation), { append: true, create: true, mode: 0o600 });
    const lines = entries.map((entry) => `${JSON.stringify(this.#line(entry))}\n`);
    const bytes = new TextEncoder().encode(lines.join(""));
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
    this.#newestPosition = Math.max(this.#newestPosition, entries.at(-1)?.position ?? 0);
    return Promise.resolve();
  }

  async addFile(sha256: string, receive: (sink: FileSink) => Promise<void>): Promise<void> {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new ChatError("internal", "The server sent an invalid file name.");
    const path = `${this.#path}/files/${sha256}`;
    if (exists(path)) return;
    {
      using file = Deno.openSync(`${path}.new`, { create: true, truncate: true, write: true, mode: 0o600 });
      await receive({
        write: (bytes) => {
          for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
          return Promise.resolve();
        },
      });
      file.syncSync();
    }
    Deno.renameSync(`${path}.new`, path);
  }

  put(name: string, value: unknown): Promise<void> {
    this.#write(name, value);
    return Promise.resolve();
  }

  /** Syncs all files and marks the export as complete. */
  complete(summary: Readonly<Record<string, unknown>>): void {
    for (const { name } of Deno.readDirSync(`${this.#path}/conversations`)) {
      using file = Deno.openSync(`${this.#path}/conversations/${name}`, { read: true });
      file.syncSync();
    }
    for (const { name } of Deno.readDirSync(`${this.#path}/files`)) {
      if (name.endsWith(".new")) Deno.removeSync(`${this.#path}/files/${name}`);
    }
    for (const folder of ["conversations", "files"]) syncFolder(`${this.#path}/${folder}`);
    this.#write("complete", { finished: new Date().toISOString(), ...summary });
    syncFolder(this.#path);
  }

  /** Returns the proto3 JSON of an entry, with the path of its file if the file was exported. */
  #line(entry: Message): Record<string, unknown> {
    const line = jsonObject("chatd.v1.Message", Message.encode(entry).finish());
    const file = entry.attachment && `files/${entry.attachment.sha256.toHex()}`;
    return file !== undefined && exists(`${this.#path}/${file}`) ? { ...line, file } : line;
  }

  #log({ conversation, address }: Conversation): string {
    const name = conversation.startsWith("+") ? conversation : address;
    if (conversationName.test(name)) return `${this.#path}/conversations/${name}.jsonl`;
    throw new ChatError("internal", "The server sent an invalid name of a conversation.");
  }

  #write(name: string, value: unknown): void {
    const path = `${this.#path}/${name}.json`;
    {
      using file = Deno.openSync(`${path}.new`, { create: true, truncate: true, write: true, mode: 0o600 });
      const bytes = new TextEncoder().encode(`${JSON.stringify(value, undefined, 1)}\n`);
      for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
      file.syncSync();
    }
    Deno.renameSync(`${path}.new`, path);
  }
}

/** Returns undefined if the file does not exist or is not JSON. */
function readAbout(path: string): About | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(`${path}/export.json`));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

interface LastEntry {
  /** Undefined if there is no complete line. */
  readonly entry: { readonly seq: number; readonly position: number } | undefined;
  /** The end of its line, in bytes. */
  readonly end: number;
}

/** Reads the last entry with a complete line. */
function readLastEntry(path: string): LastEntry {
  if (!exists(path)) return { entry: undefined, end: 0 };
  using file = Deno.openSync(path, { read: true });
  const { size } = file.statSync();
  const start = Math.max(0, size - tailBytes);
  file.seekSync(start, Deno.SeekMode.Start);
  const tail = new Uint8Array(size - start);
  for (let read = 0; read < tail.length;) read += file.readSync(tail.subarray(read)) ?? tail.length;
  const end = tail.lastIndexOf(0x0a) + 1;
  if (end === 0) return { entry: undefined, end: start };
  const line = tail.subarray(tail.subarray(0, end - 1).lastIndexOf(0x0a) + 1, end);
  const { seq, position } = JSON.parse(new TextDecoder().decode(line));
  return { entry: { seq: Number(seq), position: Number(position) }, end: start + end };
}

/**
 * Returns the newest position of all conversations in a folder; 0 if there are no entries. Positions rise within each
 * file.
 */
function newestPosition(folder: string): number {
  if (!isFolder(folder)) return 0;
  let newest = 0;
  for (const { name } of Deno.readDirSync(folder)) {
    newest = Math.max(newest, readLastEntry(`${folder}/${name}`).entry?.position ?? 0);
  }
  return newest;
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
