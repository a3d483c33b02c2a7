import { ChatError } from "../../core/chat_error.ts";
import type { SavedPreferences } from "../../terminal/chat/preferences.ts";

/** What the client keeps between runs, for one user on one server. */
export interface SavedClient {
  readonly token?: string;
  readonly deviceId?: string;
  readonly lastRecipient?: string;
  /** Of the full screen. */
  readonly screen?: SavedPreferences;
  /** How far each consumer has come in the log with this epoch. */
  readonly epoch?: string;
  readonly positions?: Readonly<Record<string, number>>;
  /** The log's incarnation at each of those positions; files of older versions have none. */
  readonly incarnations?: Readonly<Record<string, string>>;
  /** Consumers that went back in the log, and did not come to where they are again. */
  readonly unfinished?: Readonly<Record<string, UnfinishedReplay>>;
}

/** What is to be given of the log: entries from a time on, in milliseconds since the Unix epoch, and after a position. */
export interface UnfinishedReplay {
  readonly fromMs: number;
  readonly after: number;
  /** The log's incarnation when `after` was reached. */
  readonly incarnation?: string;
}

export interface ClientStateOptions {
  /** Where the server is: "127.0.0.1:50051". */
  server: string;
  user: string;
  /** The folder of all of them; `stateFolder()` unless given. */
  folder?: string;
  /** How long another process may keep the state locked, in milliseconds; 10 000 unless given. It needs it for one write to the disk. */
  lockPatienceMs?: number;
}

/** Terminals of one user on one machine at the same time: a device has no more consumers. */
const maxConsumers = 32;
const lockRetryMs = 20;

/**
 * The client's file for one user on one server, mode 0600 in a folder of mode 0700. It holds a token: whoever reads it is
 * that user.
 */
export class ClientState {
  readonly #path: string;
  readonly #lockPatienceMs: number;

  /** @throws {ChatError} `invalid_argument` when the folder cannot be used. */
  constructor({ server, user, folder = stateFolder(), lockPatienceMs = 10_000 }: ClientStateOptions) {
    this.#lockPatienceMs = lockPatienceMs;
    this.#path = `${folder}/${encodeURIComponent(server)}_${encodeURIComponent(user)}`;
    reporting(folder, () => {
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (Deno.build.os !== "windows") Deno.chmodSync(folder, 0o700);
    });
  }

  /** What was saved last; empty when nothing was, or when the file is damaged. */
  read(): SavedClient {
    try {
      const saved = JSON.parse(Deno.readTextFileSync(`${this.#path}.json`));
      return typeof saved === "object" && saved !== null ? saved : {};
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return {};
      throw unusable(`${this.#path}.json`, error);
    }
  }

  /** Changes some of what is saved; undefined removes. What other terminals change meanwhile stays. */
  update(change: (saved: SavedClient) => SavedClient): void {
    reporting(this.#path, () => {
      using lock = Deno.openSync(`${this.#path}.lock`, { create: true, write: true, mode: 0o600 });
      waitForLock(lock, this.#path, this.#lockPatienceMs);
      const temporary = `${this.#path}.${crypto.randomUUID()}.tmp`;
      try {
        using file = Deno.openSync(temporary, { createNew: true, write: true, mode: 0o600 });
        writeAll(file, new TextEncoder().encode(JSON.stringify(change(this.read()))));
        file.syncSync();
        Deno.renameSync(temporary, `${this.#path}.json`);
      } catch (error) {
        removeIfThere(temporary);
        throw error;
      }
    });
  }

  /**
   * Takes the consumer `wanted` for as long as this process lives, or "wanted-2" and so on while other terminals have
   * those: a consumer belongs to one session at a time.
   */
  takeConsumer(wanted: string): Consumer {
    const consumer = this.tryConsumer(wanted, { most: maxConsumers });
    if (consumer !== undefined) return consumer;
    throw new ChatError("busy", `${maxConsumers} clients of this user run on this machine already: close one.`);
  }

  /** Like {@link takeConsumer}, of `most` names; undefined when other processes have all of them. */
  tryConsumer(wanted: string, { most }: { most: number }): Consumer | undefined {
    return reporting(this.#path, () => {
      for (let number = 1; number <= most; number++) {
        const name = number === 1 ? wanted : `${wanted}-${number}`;
        // No name has "@" in it once it is encoded: "ana" with the consumer "ops" is not the user "ana.ops".
        const file = Deno.openSync(`${this.#path}@${encodeURIComponent(name)}.lock`, {
          create: true,
          write: true,
          mode: 0o600,
        });
        if (file.tryLockSync(true)) return new Consumer(name, file);
        file.close();
      }
      return undefined;
    });
  }
}

/** A consumer name that no other process of this user and machine uses. */
export class Consumer implements Disposable {
  readonly name: string;
  readonly #lock: Deno.FsFile;

  constructor(name: string, lock: Deno.FsFile) {
    this.name = name;
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#lock.close();
  }
}

/** `$XDG_STATE_HOME/chatd`, else `~/.local/state/chatd` (XDG Base Directory Specification 0.8). */
export function stateFolder(): string {
  const xdg = Deno.env.get("XDG_STATE_HOME");
  // The specification says to ignore relative paths.
  if (xdg?.startsWith("/")) return `${xdg}/chatd`;
  const home = Deno.env.get("HOME") || Deno.env.get("USERPROFILE");
  if (home) return `${home}/.local/state/chatd`;
  throw new ChatError("invalid_argument", "There is no place to keep the login: set XDG_STATE_HOME to a folder.");
}

/** @throws {ChatError} `busy` */
function waitForLock(file: Deno.FsFile, path: string, patienceMs: number): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !file.tryLockSync(true); waited += lockRetryMs) {
    if (waited >= patienceMs) throw new ChatError("busy", `Another program keeps ${path} locked: end it first.`);
    Atomics.wait(clock, 0, 0, lockRetryMs);
  }
}

function reporting<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof ChatError ? error : unusable(path, error);
  }
}

function unusable(path: string, cause: unknown): ChatError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ChatError(
    "invalid_argument",
    `Cannot keep the login in ${path}: ${why}. XDG_STATE_HOME chooses another folder.`,
    { cause },
  );
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
