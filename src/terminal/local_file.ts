import type { FileSink, FileSource } from "../client/file_transfer.ts";
import { ChatError } from "../core/chat_error.ts";
import { pathReason } from "../core/system_error.ts";
import { harmlessFileName } from "../core/files/file_name.ts";

/** Media types by file name extension. */
const mediaTypes: Readonly<Record<string, string>> = {
  csv: "text/csv",
  gif: "image/gif",
  gz: "application/gzip",
  htm: "text/html",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  json: "application/json",
  log: "text/plain",
  md: "text/markdown",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  tar: "application/x-tar",
  txt: "text/plain",
  webp: "image/webp",
  zip: "application/zip",
};

/** Replaces "~" at the start of a path with the home folder, where this process may read its name. */
export function fromHome(path: string): string {
  if (!/^~(?=[/\\]|$)/.test(path)) return path;
  try {
    const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
    return home === undefined ? path : home + path.slice(1);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return path;
    throw error;
  }
}

/** Opens a file to send. @throws {ChatError} `not_found`, `permission_denied`, `invalid_argument`. */
export async function openSource(path: string): Promise<FileSource & Disposable> {
  let file: Deno.FsFile;
  let size: number;
  try {
    // Opening a pipe would wait for its writer.
    const found = await Deno.stat(path);
    if (!found.isFile || found.size === 0) throw nothingToSend(path, found);
    file = await Deno.open(path, { read: true });
    size = found.size;
  } catch (error) {
    throw fileError(error, { path, flag: "--allow-read" });
  }
  return {
    name: harmlessFileName(path),
    mediaType: mediaTypes[/\.([a-z0-9]+)$/i.exec(path)?.[1].toLowerCase() ?? ""] ?? "",
    size,
    read: (offset, maxBytes) => readAt(file, { offset, maxBytes }),
    [Symbol.dispose]: () => file.close(),
  };
}

/** A file that is being written. Disposal removes it unless {@link keep} was called. */
export interface NewFile extends FileSink, Disposable {
  readonly path: string;
  /** Syncs the file to disk. */
  keep(): Promise<void>;
}

/**
 * Creates a new file (mode 0600) at `path`, or under a harmless form of `name` if `path` is a folder or undefined.
 * @throws {ChatError} `already_exists`, `not_found`, `permission_denied`, `invalid_argument`.
 */
export async function createFile(path: string | undefined, name: string): Promise<NewFile> {
  const plain = harmlessFileName(name);
  if (path === undefined) return await create(plain);
  if (/[/\\]$/.test(path)) return await create(`${path}${plain}`);
  try {
    return await create(path);
  } catch (error) {
    if (!(error instanceof ChatError) || error.code !== "already_exists" || !await isFolder(path)) throw error;
    return await create(`${path}/${plain}`);
  }
}

async function create(path: string): Promise<NewFile> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
  } catch (error) {
    throw fileError(error, { path, flag: "--allow-write" });
  }
  let isKept = false;
  return {
    path,
    async write(bytes) {
      try {
        for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
      } catch (error) {
        throw fileError(error, { path, flag: "--allow-write" });
      }
    },
    async keep() {
      await file.sync();
      isKept = true;
    },
    [Symbol.dispose]() {
      file.close();
      if (!isKept) Deno.removeSync(path);
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileError(error, { path, flag: "--allow-read" });
  }
}

async function readAt(
  file: Deno.FsFile,
  { offset, maxBytes }: { offset: number; maxBytes: number },
): Promise<Uint8Array> {
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

function nothingToSend(path: string, { isFile }: Deno.FileInfo): ChatError {
  return new ChatError(
    "invalid_argument",
    `Cannot send "${path}": it is ${isFile ? "empty" : "not a file"}.`,
  );
}

/** Returns the task of deno.json that permits files, with the arguments of this run. */
function taskCommand(): string {
  const [command, ...rest] = Deno.args;
  const words = command === "grpc-client" ? ["chat:files", ...rest] : ["script:files", ...Deno.args];
  return ["deno", "task", ...words.map(quoted)].join(" ");
}

function quoted(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Maps an error of the file system. @param options.flag the Deno permission that the operation needs */
function fileError(cause: unknown, { path, flag }: { path: string; flag: string }): unknown {
  if (cause instanceof ChatError) return cause;
  const error = (code: ChatError["code"], message: string) => new ChatError(code, message, { cause });
  if (cause instanceof Deno.errors.NotCapable) {
    const folder = path.replace(/[^/\\]*$/, "") || ".";
    return error(
      "permission_denied",
      `Deno does not permit chatd to use "${path}". Add ${flag}="${folder}" to deno run, or from a checkout run: ` +
        taskCommand(),
    );
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return error("permission_denied", `You have no permission to use "${path}".`);
  }
  if (cause instanceof Deno.errors.AlreadyExists) {
    return error("already_exists", `"${path}" already exists. Choose another name.`);
  }
  if (cause instanceof Deno.errors.NotFound) return error("not_found", `"${path}" does not exist.`);
  if (cause instanceof Deno.errors.IsADirectory) return error("invalid_argument", `"${path}" is a folder.`);
  if (!(cause instanceof Error) || !("code" in cause)) return cause;
  return error("invalid_argument", `Cannot use "${path}": ${pathReason(cause)}.`);
}
