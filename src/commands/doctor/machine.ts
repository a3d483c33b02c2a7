import type { DatabaseOptions } from "../../app/database/database_access.ts";
import { freeBytes } from "../../host/free_bytes.ts";
import { accessOf, serverOf } from "./data_folder.ts";
import { type Finding, ok, problem, warning } from "./finding.ts";

export interface MachineOptions {
  readonly dataDir: string;
  /** Keeps the data instead of the folder. */
  readonly database?: DatabaseOptions;
  /** Limit of the database and all files together; undefined for no limit. */
  readonly maxDiskBytes: number | undefined;
}

const mebibyte = 1024 * 1024;
const fewFreeBytes = 1024 * mebibyte;
const noFreeBytes = 64 * mebibyte;
/** Each session uses one file descriptor, each callback another. */
const fewFiles = 4_096;

/** Checks the free space on the disk of the data folder, unless this process may not open the folder. */
export async function* examineDisk({ dataDir, database, maxDiskBytes }: MachineOptions): AsyncGenerator<Finding, void> {
  if (accessOf(dataDir) === "denied") return;
  const free = await freeBytes(dataDir);
  if (free === undefined) {
    yield warning("Deno does not allow chatd to read the free disk space", "Add --allow-sys=statfs to deno run.");
    return;
  }
  const shown = `the disk has ${Math.floor(free / mebibyte)} MiB free`;
  if (free < noFreeBytes) yield problem(shown, "Free some space: new messages will soon be refused.");
  else if (free < fewFreeBytes) yield warning(shown, "Free some space before the disk is full.");
  else yield ok(shown);
  // The limit is that of the database then.
  if (maxDiskBytes === undefined || database !== undefined) return;
  const taken = folderBytes(dataDir);
  const limit = `${Math.ceil(taken / mebibyte)} MiB of ${
    Math.floor(maxDiskBytes / mebibyte)
  } MiB (--max-disk) are used`;
  if (taken >= maxDiskBytes) yield problem(limit, "New messages are refused: free some space, or raise --max-disk.");
  else if (free < maxDiskBytes - taken) yield warning(`${limit}, but the disk will be full first`, "Lower --max-disk.");
  else yield ok(limit);
}

/** Checks the limit of open files of the server, or of this process if no server runs. */
export async function* examineFileLimit({ dataDir }: MachineOptions): AsyncGenerator<Finding, void> {
  if (Deno.build.os === "windows") return;
  const server = serverOf(dataDir);
  const limit = await fileLimit(server);
  const subject = server === undefined ? "a process" : "the server";
  if (limit === undefined) {
    yield warning("Deno does not allow chatd to read the limit of open files", "Add --allow-run=sh to deno run.");
  } else if (limit < fewFiles) {
    yield warning(
      `${subject} may open ${limit} files, and every connection uses one`,
      "Raise the limit: ulimit -n, or LimitNOFILE= in the systemd unit.",
    );
  } else yield ok(`${subject} may open ${limit === Infinity ? "any number of" : limit} files (ulimit -n)`);
}

/** Prints the limit from Linux's /proc; on other systems, the shell's own limit. */
const limitScript = `awk '/^Max open files/ { print $4 }' "/proc/$1/limits" || ulimit -n`;

async function fileLimit(process: number | undefined): Promise<number | undefined> {
  try {
    const args = ["-c", limitScript, "sh", String(process ?? "self")];
    const { stdout } = await new Deno.Command("sh", { args, stderr: "null" }).output();
    const shown = new TextDecoder().decode(stdout).trim();
    return shown === "unlimited" ? Infinity : Number(shown) || undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function folderBytes(folder: string): number {
  let bytes = 0;
  try {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) bytes += folderBytes(path);
      else if (isFile) bytes += Deno.statSync(path).size;
    }
  } catch (error) {
    // A server may have removed the file since it was listed.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}
