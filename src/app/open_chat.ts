import { Accounts, type Registration } from "../core/accounts/accounts.ts";
import { DeviceCleanup } from "../core/accounts/device_cleanup.ts";
import type { PasswordHasher } from "../core/accounts/password_hasher.ts";
import { AuditJournal } from "../core/audit/audit_journal.ts";
import { calmLog } from "../core/calm_log.ts";
import { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { ClockGuard } from "../core/clock_guard.ts";
import { type DeletedAccounts, type Limits, standardLimits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import { Erasure } from "../core/messages/erasure.ts";
import { Retention } from "../core/messages/retention.ts";
import type { Metrics } from "../core/metrics.ts";
import type { MessageSearch } from "../core/search/message_search.ts";
import { type ControlHandlers, type ControlSocket, openControlSocket } from "../host/control_socket.ts";
import { defer } from "../host/defer.ts";
import { requireDataFolder } from "../host/permissions.ts";
import { ScryptHasher } from "../host/scrypt_hasher.ts";
import { sha256Hex } from "../host/sha256.ts";
import { hasFilesForThread } from "../host/spare_files.ts";
import { refuseDatabaseFolder } from "../store/data_folder.ts";
import { lockFolder } from "../store/folder_lock.ts";
import { openStore } from "../store/open_store.ts";
import type { Store } from "../store/store.ts";
import { BackgroundSearch } from "./background_search.ts";
import { controlHandlers } from "./operator_calls.ts";
import { operatorCommands } from "./operator_commands.ts";

/** Options of the core, wherever its store is. */
export interface CoreOptions {
  registration: Registration;
  rate: { perSecond: number; burst: number };
  /** `standardLimits` unless given. */
  limits?: Limits;
  /** "anonymize" unless given. */
  deletedAccounts?: DeletedAccounts;
  log: Log;
  /** No metrics unless given. */
  metrics?: Metrics;
  /** For tests; the system's clock unless given. */
  clock?: Clock;
  /** For tests; scrypt unless given. */
  hasher?: PasswordHasher;
}

/** Options of a chat in a data folder. */
export interface OpenChatOptions extends CoreOptions {
  /** The data folder. */
  folder: string;
  /** For tests: URL of the program's entry file; this process's unless given. */
  entry?: string;
  /** URL of the program's entry file, from which a thread that writes messages starts; without it, none does. */
  writerEntry?: string;
}

/** The chat with its background jobs. */
export interface Core {
  readonly chat: Chat;
  readonly retention: Retention;
  readonly erasure: Erasure;
  readonly deviceCleanup: DeviceCleanup;
  readonly audit: AuditJournal;
  readonly clock: ClockGuard;
  /** Ends all sessions and writes pending changes; afterwards the store can be closed. */
  close(): Promise<void>;
}

/** The core with its open store, owned by its opener. */
export interface OpenChat {
  readonly chat: Chat;
  /** The number of entries that are not indexed for search yet. */
  searchLag(): number;
  /** Sizes of the database file and its write-ahead log, in bytes. */
  fileBytes(): { database: number; log: number };
  /** Ends all sessions, commits pending changes, and releases the folder. Idempotent. */
  close(): Promise<void>;
}

/**
 * Locks the data folder, opens its store, and listens for the operator's commands.
 * @throws {ChatError} errors of `refuseDatabaseFolder`, `lockFolder`, `openStore` and `openControlSocket`
 *
 * @example
 * ```ts
 * import { silentLog } from "../core/log.ts";
 * import { createMessageId } from "../core/messages/message_id.ts";
 *
 * const rate = { perSecond: 20, burst: 100 };
 * const { chat, close } = openChat({ folder: "data", registration: "closed", rate, log: silentLog });
 * for (const name of ["ana", "ben"]) await chat.accounts.addUser({ name, password: "correct horse" });
 * const message = await chat.posting.check("ana", { to: "ben", id: createMessageId(), text: "hello" });
 * await chat.posting.submit(message);
 * await close();
 * ```
 */
export function openChat(options: OpenChatOptions): OpenChat {
  const { folder, log, entry, writerEntry } = options;
  requireDataFolder(folder);
  refuseDatabaseFolder(folder);
  using opened = new DisposableStack();
  const lock = opened.use(lockFolder(folder));
  const store = opened.use(openStore({
    folder,
    log,
    writer: writerEntry === undefined ? undefined : {
      entry: writerEntry,
      mayStart: () => hasFilesForThread(folder),
      // Nothing is certain about the store after the death of its writer: the error ends the process.
      onDied: reportError,
    },
  }));
  try {
    store.beginServing();
  } catch (error) {
    reportUnrecorded(error, log);
  }
  const search = opened.use(new BackgroundSearch({ folder, log, entry }));
  const core = openCore(store, { ...options, search });
  const stop = startCore(core, { store, listen: (handlers) => openControlSocket({ folder, handlers, log }) });
  opened.move();
  const close = async () => {
    search.close();
    await stop();
    store.close();
    lock.release();
  };
  return asOpenChat(core, { store, close });
}

/** Makes an open chat of a core that was started; `close` runs once. */
export function asOpenChat({ chat }: Core, { store, close }: { store: Store; close(): Promise<void> }): OpenChat {
  let closed: Promise<void> | undefined;
  return {
    chat,
    searchLag: () => store.indexer.lag,
    fileBytes: () => store.fileBytes(),
    close: () => closed ??= close(),
  };
}

/**
 * Starts the background jobs, and listens for the operator's commands.
 * @param options.listen begins to answer commands with these handlers
 * @returns a function that stops both and closes the core
 * @throws {ChatError} errors of `listen`
 */
export function startCore(
  core: Core,
  { store, listen, database }: {
    store: Store;
    listen(handlers: ControlHandlers): Pick<ControlSocket, "close">;
    database?: string;
  },
): () => Promise<void> {
  const { chat, retention, erasure, deviceCleanup, clock } = core;
  clock.start();
  const commands = listen(controlHandlers(operatorCommands({ ...core, database })));
  store.indexer.start();
  chat.files.start();
  retention.start();
  deviceCleanup.start();
  erasure.start();
  return async () => {
    await commands.close();
    await core.close();
  };
}

/**
 * Logs that this opening of the store could not be recorded. A full disk does not prevent serving, because users can
 * then free space.
 * @throws any other error
 */
export function reportUnrecorded(error: unknown, log: Log): void {
  if (!(error instanceof ChatError) || error.code !== "storage_full") throw error;
  log.error(
    "cannot record that the store was opened: clients will not notice if it is restored to an earlier state",
    { error },
  );
}

/** Creates the core on a store that its opener owns. Background jobs run only once they are started. */
export function openCore(store: Store, options: CoreOptions & { search: MessageSearch }): Core {
  const {
    search,
    registration,
    rate,
    limits = standardLimits,
    deletedAccounts,
    log,
    metrics,
    hasher = new ScryptHasher(),
  } = options;
  const clock = new ClockGuard({ clock: options.clock ?? systemClock, store: store.clock, log });
  const audit = new AuditJournal({ store: store.audit, clock, log });
  // Erased entries may have been the last holders of files.
  const onErased = () => void chat.files.sweep();
  const retention = new Retention({ store: store.retention, clock, log, onRemoved: onErased });
  const erasure = new Erasure({ store: store.erasure, rooms: store.rooms, log, onErased });
  const chat: Chat = new Chat({
    accounts: new Accounts({
      store: store.accounts,
      hasher,
      hashToken: sha256Hex,
      clock,
      log,
      audit,
      metrics,
      registration,
      maxUsers: limits.maxUsers,
    }),
    store: store.messages,
    rooms: store.rooms,
    files: store.files,
    settings: store.settings,
    search,
    limits,
    deletedAccounts,
    onErase: () => erasure.run(),
    clock,
    log: calmLog(log),
    audit,
    metrics,
    noteUse: (deviceId, consumer) => deviceCleanup.noteUse(deviceId, consumer),
    defer,
    rate,
  });
  const deviceCleanup = new DeviceCleanup({ store: store.deviceCleanup, live: chat.live, clock, log: calmLog(log) });
  const close = async () => {
    await chat.close();
    await retention.close();
    await erasure.close();
    await deviceCleanup.close();
    await audit.flush();
    await clock.close();
  };
  return { chat, retention, erasure, deviceCleanup, audit, clock, close };
}
