import { Accounts, type Registration } from "../core/accounts.ts";
import { AuditJournal } from "../core/audit_journal.ts";
import { Chat } from "../core/chat.ts";
import { systemClock } from "../core/clock.ts";
import { type DeletedAccounts, type Limits, standardLimits } from "../core/limits.ts";
import type { PasswordHasher } from "../core/password_hasher.ts";
import type { Log } from "../core/log.ts";
import { lockFolder } from "../store/folder_lock.ts";
import { openStore } from "../store/open_store.ts";
import { BackgroundSearch } from "./background_search.ts";
import { openControlSocket } from "./control_socket.ts";
import { operatorCommands } from "./operator_commands.ts";
import { requireDataFolder } from "./permissions.ts";
import { ScryptHasher } from "./scrypt_hasher.ts";

export interface OpenChatOptions {
  /** The data folder. */
  folder: string;
  registration: Registration;
  rate: { perSecond: number; burst: number };
  /** `standardLimits` unless given. */
  limits?: Limits;
  /** "anonymize" unless given. */
  deletedAccounts?: DeletedAccounts;
  log: Log;
  /** For tests; scrypt unless given. */
  hasher?: PasswordHasher;
  /** For tests: URL of the program's entry file; that of this process unless given. */
  entry?: string;
}

/** The core on its store. Owned by its opener. */
export interface OpenChat {
  readonly chat: Chat;
  /** Ends all sessions, commits what waits, and gives the folder back. Idempotent. */
  close(): Promise<void>;
}

/**
 * Takes the data folder, opens what is in it, and listens there for the operator's commands.
 * @throws {ChatError} what `lockFolder`, `openStore` and `openControlSocket` throw.
 */
export function openChat(options: OpenChatOptions): OpenChat {
  const { folder, registration, rate, limits = standardLimits, log, hasher = new ScryptHasher() } = options;
  requireDataFolder(folder);
  using opened = new DisposableStack();
  const lock = opened.use(lockFolder(folder));
  const store = opened.use(openStore({ folder, log }));
  const clock = systemClock;
  const audit = new AuditJournal({ store: store.audit, clock, log });
  const accounts = new Accounts({ store: store.accounts, hasher, clock, log, audit, registration });
  const swept = accounts.removeOldDevices().catch((error) => log.error("old devices could not be removed", { error }));
  const search = opened.use(new BackgroundSearch({ folder, log, entry: options.entry }));
  const chat = new Chat({
    accounts,
    store: store.messages,
    rooms: store.rooms,
    settings: store.settings,
    search,
    limits,
    clock,
    log,
    defer,
    rate,
  });
  const control = openControlSocket({ folder, handlers: operatorCommands({ accounts, audit }), log });
  store.indexer.start();
  opened.move();
  let closed: Promise<void> | undefined;
  const close = async () => {
    await control.close();
    search.close();
    await chat.close();
    await swept;
    await audit.flush();
    store.close();
    lock.release();
  };
  return { chat, close: () => closed ??= close() };
}

/** Runs a callback after the input that is ready now has been read. */
export function defer(callback: () => void): void {
  setImmediate(callback);
}
