import { ChatError } from "../../core/chat_error.ts";
import { pathReason, systemReason } from "../../core/system_error.ts";
import type { SavedPreferences } from "../../terminal/chat/person/preferences.ts";

/** A client's saved state for one user on one server. */
export interface SavedClient {
  readonly token?: string;
  readonly deviceId?: string;
  readonly lastRecipient?: string;
  /** Preferences of the full screen. */
  readonly screen?: SavedPreferences;
  /** The epoch of the log that `positions` belong to. */
  readonly epoch?: string;
  readonly positions?: Readonly<Record<string, number>>;
  /** The log's incarnation of each position; absent in files of older versions. */
  readonly incarnations?: Readonly<Record<string, string>>;
  /** Interrupted replays, by consumer. */
  readonly unfinished?: Readonly<Record<string, UnfinishedReplay>>;
}

/**
 * The rest of an interrupted replay: entries from a time on, in milliseconds since the Unix epoch, and after a
 * position.
 */
export interface UnfinishedReplay {
  readonly fromMs: number;
  readonly after: number;
  /** The log's incarnation when `after` was reached. */
  readonly incarnation?: string;
}

export interface ClientStateOptions {
  /** Address of the server, such as "127.0.0.1:50051". */
  server: string;
  user: string;
  /** The name of a login of its own; unless given, the login that all without a name share. */
  ownLogin?: string;
  /** The folder of all states; `stateFolder()` unless given. */
  folder?: string;
  /**
   * How long to wait for another process's lock, in milliseconds; 10,000 unless given. It is held for one write to the
   * disk.
   */
  lockPatienceMs?: number;
}

/** Maximum number of clients of one user on one machine: the limit of consumers of a device. */
const maxConsumers = 32;
const lockRetryMs = 20;

/**
 * The state file of a login of one user on one server, with mode 0600 in a folder with mode 0700. It contains a token,
 * which gives access to the account.
 */
export class ClientState {
  readonly #path: string;
  readonly #lockPatienceMs: number;
  /** Why the folder could not be prepared. */
  #folderError: unknown;

  /** @throws {ChatError} `invalid_argument` if the folder cannot be used */
  constructor({ server, user, ownLogin, folder = stateFolder(), lockPatienceMs = 10_000 }: ClientStateOptions) {
    this.#lockPatienceMs = lockPatienceMs;
    this.#path = `${folder}/${encodeURIComponent(server)}_${encodeURIComponent(user)}`;
    // Encoded names contain no "+" either.
    if (ownLogin !== undefined) this.#path += `+${encodeURIComponent(ownLogin)}`;
    mapErrors(folder, () => {
      try {
        Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
        if (Deno.build.os !== "windows") Deno.chmodSync(folder, 0o700);
      } catch (error) {
        // Reading needs no folder, and the first write reports the reason.
        if (systemReason(error) === undefined) throw error;
        this.#folderError = error;
      }
    });
  }

  /** Returns the saved state; empty if there is none or the file is damaged. */
  read(): SavedClient {
    try {
      const saved = JSON.parse(Deno.readTextFileSync(`${this.#path}.json`));
      return typeof saved === "object" && saved !== null ? saved : {};
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return {};
      throw unusableError(`${this.#path}.json`, error, { action: "read" });
    }
  }

  /** Requires that {@link update} can write, before a request whose result it must save. @throws {ChatError} */
  requireWritable(): void {
    this.update((saved) => saved);
  }

  /** Changes the saved state under a lock, which preserves changes of other processes; undefined removes a field. */
  update(change: (saved: SavedClient) => SavedClient): void {
    this.#mapErrors(() => {
      using lock = Deno.openSync(`${this.#path}.lock`, { create: true, write: true, mode: 0o600 });
      waitForLock(lock, this.#path, this.#lockPatienceMs);
      const temporary = `${this.#path}.${crypto.randomUUID()}.tmp`;
      try {
        using file = Deno.openSync(temporary, { createNew: true, write: true, mode: 0o600 });
        writeAll(file, new TextEncoder().encode(JSON.stringify(change(this.read()))));
        file.syncSync();
        Deno.renameSync(temporary, `${this.#path}.json`);
      } catch (error) {
        removeIfExists(temporary);
        throw error;
      }
    });
  }

  /** Like {@link update}, but keeps the saved state if the system refuses to write it. */
  tryUpdate(change: (saved: SavedClient) => SavedClient): void {
    try {
      this.update(change);
    } catch (error) {
      if (!(error instanceof ChatError) || systemReason(error.cause) === undefined) throw error;
    }
  }

  /**
   * Takes the consumer `wanted` for the lifetime of this process, or "wanted-2" and so on if other processes have it: a
   * consumer belongs to one session at a time.
   */
  takeConsumer(wanted: string): Consumer {
    const consumer = this.tryConsumer(wanted, { most: maxConsumers });
    if (consumer !== undefined) return consumer;
    throw new ChatError("busy", `${maxConsumers} clients of this user are already running on this machine: close one.`);
  }

  /**
   * Like {@link takeConsumer}, but returns undefined if other processes have all of the first `most` names. Where the
   * system refuses to write, `unlocked` takes one of them at random.
   */
  tryConsumer(wanted: string, { most, unlocked = false }: { most: number; unlocked?: boolean }): Consumer | undefined {
    try {
      return this.#lockConsumer(wanted, most);
    } catch (error) {
      if (!unlocked || !(error instanceof ChatError) || systemReason(error.cause) === undefined) throw error;
      return new Consumer(numbered(wanted, 1 + Math.floor(Math.random() * most)), undefined);
    }
  }

  #mapErrors<T>(act: () => T): T {
    return mapErrors(this.#path, () => {
      try {
        return act();
      } catch (error) {
        // Without its folder, no file can be made.
        throw error instanceof Deno.errors.NotFound ? this.#folderError ?? error : error;
      }
    });
  }

  #lockConsumer(wanted: string, most: number): Consumer | undefined {
    return this.#mapErrors(() => {
      for (let number = 1; number <= most; number++) {
        const name = numbered(wanted, number);
        // Encoded names contain no "@", so "ana" with the consumer "ops" differs from the user "ana.ops".
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

function numbered(wanted: string, number: number): string {
  return number === 1 ? wanted : `${wanted}-${number}`;
}

/** A consumer that no other process of this user on this machine uses. */
export class Consumer implements Disposable {
  readonly name: string;
  readonly #lock: Deno.FsFile | undefined;

  constructor(name: string, lock: Deno.FsFile | undefined) {
    this.name = name;
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#lock?.close();
  }
}

/** Returns `$XDG_STATE_HOME/chatd`, else `~/.local/state/chatd` (XDG Base Directory Specification 0.8). */
export function stateFolder(): string {
  const xdg = Deno.env.get("XDG_STATE_HOME");
  // The specification requires relative paths to be ignored.
  if (xdg?.startsWith("/")) return `${xdg}/chatd`;
  const home = Deno.env.get("HOME") || Deno.env.get("USERPROFILE");
  if (home) return `${home}/.local/state/chatd`;
  throw new ChatError("invalid_argument", "There is no folder for the login: set XDG_STATE_HOME.");
}

/** @throws {ChatError} `busy` */
function waitForLock(file: Deno.FsFile, path: string, patienceMs: number): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; !file.tryLockSync(true); waited += lockRetryMs) {
    if (waited >= patienceMs) throw new ChatError("busy", `Another program has locked ${path}: stop it first.`);
    Atomics.wait(clock, 0, 0, lockRetryMs);
  }
}

function mapErrors<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof ChatError ? error : unusableError(path, error);
  }
}

function unusableError(path: string, cause: unknown, { action = "save" } = {}): ChatError {
  return new ChatError(
    "invalid_argument",
    `Cannot ${action} the login in ${path}: ${pathReason(cause)}. Choose another folder with XDG_STATE_HOME.`,
    { cause },
  );
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}

function removeIfExists(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
