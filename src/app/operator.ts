import type { User } from "../core/accounts/accounts.ts";
import type { AuditEntry } from "../core/audit/audit.ts";
import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";
import type { DeletedAccounts } from "../core/limits.ts";
import { silentLog } from "../core/log.ts";
import type { ConversationRule } from "../core/messages/retention_store.ts";
import type { MemberRole, Room } from "../core/rooms/room.ts";
import type { RoomMember } from "../core/rooms/rooms.ts";
import type { MessageSearch } from "../core/search/message_search.ts";
import type { ControlReply, ControlRequest } from "../host/control_socket.ts";
import { readJsonLine, writeJsonLine } from "../host/json_line.ts";
import { requireDataFolder, socketRefused } from "../host/permissions.ts";
import { controlSocketPath } from "../host/socket_path.ts";
import { dataFolderError, refuseDatabaseFolder } from "../store/data_folder.ts";
import { lockFolder } from "../store/folder_lock.ts";
import { openStore } from "../store/open_store.ts";
import { requireDatabase } from "../store/sqlite/database.ts";
import type { Store } from "../store/store.ts";
import { BackgroundSearch } from "./background_search.ts";
import { type DatabaseOptions, readAccess } from "./database/database_access.ts";
import { openCore } from "./open_chat.ts";
import type { ArgumentsOf, OperatorCall, OperatorHandlers, ResultOf } from "./operator_calls.ts";
import { operatorCommands } from "./operator_commands.ts";

const maxReplyBytes = 1024 * 1024;
const replyTimeoutMs = 30_000;
/** How long a server may take to start or stop around a command, in milliseconds. */
const patienceMs = 5_000;
const retryMs = 50;

/** The store that an operator's command is about. */
export interface StorePlace {
  /** As the operator wrote it, relative to the working directory. */
  readonly dataDir: string;
  /** Keeps the data instead of the folder. */
  readonly database?: DatabaseOptions;
}

/**
 * Runs the operator's commands on a data folder or a database. A call goes to the server that owns the folder; if none
 * runs, it locks the folder, or holds the lease of the database, for the duration of the call. Rejects with a
 * `ChatError`.
 */
export class Operator {
  readonly #folder: string;
  readonly #database: DatabaseOptions | undefined;

  /** @throws {ChatError} `permission_denied` if Deno denies access to the folder */
  constructor({ dataDir, database }: StorePlace) {
    requireDataFolder(dataDir);
    this.#folder = dataDir;
    this.#database = database;
  }

  async findUser(name: string): Promise<User | undefined> {
    return await this.#call("user.find", { name });
  }

  /** Lists all users by name. */
  async *listUsers(): AsyncGenerator<User, void> {
    for (let after = "";;) {
      const users = await this.#call("user.list", { after });
      yield* users;
      const last = users.at(-1);
      if (last === undefined) return;
      after = last.name;
    }
  }

  /** Creates the folder if necessary. `allowSimilar`: also when the name looks like another. */
  async addUser(
    name: string,
    { password, allowSimilar = false }: { password: string; allowSimilar?: boolean },
  ): Promise<void> {
    await this.#call("user.add", { name, password, allowSimilar }, { makeFolder: true });
  }

  /** "" removes the display name. `allowSimilar`: also when it looks like another user's. */
  async setDisplayName(
    name: string,
    { displayName, allowSimilar = false }: { displayName: string; allowSimilar?: boolean },
  ): Promise<void> {
    await this.#call("user.set_display_name", { name, displayName, allowSimilar });
  }

  /** "" removes the status text. */
  async setStatus(name: string, status: string): Promise<void> {
    await this.#call("user.set_status", { name, status });
  }

  async setPassword(name: string, password: string): Promise<void> {
    await this.#call("user.set_password", { name, password });
  }

  async disable(name: string): Promise<void> {
    await this.#call("user.disable", { name });
  }

  async enable(name: string): Promise<void> {
    await this.#call("user.enable", { name });
  }

  /** Deletes an account permanently. @param mode how to treat its messages; the server's setting unless given */
  async deleteUser(name: string, { mode }: { mode?: DeletedAccounts }): Promise<void> {
    await this.#call("user.delete", { name, mode: mode ?? "" });
  }

  /** Lists all rooms by id. */
  async *listRooms(): AsyncGenerator<Room, void> {
    for (let after = "";;) {
      const rooms = await this.#call("room.list", { after });
      yield* rooms;
      const last = rooms.at(-1);
      if (last === undefined) return;
      after = last.id;
    }
  }

  /** Returns a room with its members, invited and banned users, by name. */
  async showRoom(address: string): Promise<{ room: Room; people: RoomMember[] }> {
    return await this.#call("room.show", { address });
  }

  /** Adds a user to a room, also to a private one. Returns the room as it was. */
  async addToRoom(address: string, user: string): Promise<Room> {
    return await this.#call("room.add", { address, user });
  }

  /** Sets the lowest role that may mention all members of a room. Returns the room as it was. */
  async setMentionAll(address: string, mentionAll: MemberRole): Promise<Room> {
    return await this.#call("room.set_mention_all", { address, mentionAll });
  }

  /** Deletes a room permanently, with all of its messages. */
  async deleteRoom(address: string): Promise<Room> {
    return await this.#call("room.delete", { address });
  }

  /** Lists the retention rules, the one for all other conversations first. */
  async listRules(): Promise<ConversationRule[]> {
    return await this.#call("retention.list", {});
  }

  /** @param address "ana:ben", "#ops" or "+id"; undefined means all conversations without their own rule */
  async setRule(address: string | undefined, rule: { maxAgeMs?: number; maxEntries?: number }): Promise<void> {
    await this.#call("retention.set", {
      address: address ?? "",
      maxAgeMs: rule.maxAgeMs ?? 0,
      maxEntries: rule.maxEntries ?? 0,
    });
  }

  async removeRule(address: string | undefined): Promise<void> {
    await this.#call("retention.unset", { address: address ?? "" });
  }

  /** Creates the folder if necessary. @returns the code */
  async createInvite({ lifetimeMs }: { lifetimeMs: number }): Promise<string> {
    return await this.#call("user.invite", { lifetimeMs }, { makeFolder: true });
  }

  /**
   * Lists audit entries since a time in milliseconds since the Unix epoch, oldest first; about `user` only, if given.
   */
  async *listAudit({ since, user = "" }: { since: number; user?: string }): AsyncGenerator<AuditEntry, void> {
    for (let afterId = 0;;) {
      const entries = await this.#call("audit.list", { afterId, since, user });
      yield* entries;
      const last = entries.at(-1);
      if (last === undefined) return;
      afterId = last.id;
    }
  }

  /**
   * Records a backup in the audit log of a running server; does nothing without one, because a backup changes nothing.
   */
  async noteBackup(detail: string): Promise<void> {
    const connection = await connect(controlSocketPath(this.#folder));
    if (connection !== undefined) await sendRequest(connection, "audit.backup_made", { detail });
  }

  async #call<Call extends OperatorCall>(
    call: Call,
    args: ArgumentsOf<Call>,
    { makeFolder = false }: { makeFolder?: boolean } = {},
  ): Promise<ResultOf<Call>> {
    for (const deadline = Date.now() + patienceMs;;) {
      if (this.#database !== undefined) await this.#requireDatabase(this.#database);
      const connection = await connect(controlSocketPath(this.#folder));
      if (connection !== undefined) return await sendRequest(connection, call, args);
      try {
        return await this.#callWithoutServer((handlers) => handlers[call](args), { makeFolder });
      } catch (error) {
        // A server that is starting or stopping owns the folder but does not listen.
        if (!(error instanceof FolderTaken) || Date.now() >= deadline) throw unwrap(error);
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** @throws {ChatError} `invalid_argument` if the server of the folder, if any, keeps its data elsewhere */
  async #requireDatabase({ url: { address } }: DatabaseOptions): Promise<void> {
    const connection = await connect(controlSocketPath(this.#folder));
    if (connection === undefined) return;
    const served = await sendRequest(connection, "server.database", {});
    const { showDatabase } = await import("../store/postgres/connection/database_address.ts");
    const asked = showDatabase(address);
    if (served === asked) return;
    const where = served === "" ? "that folder, and not in a database" : `the database ${served}, and not in ${asked}`;
    throw new ChatError(
      "invalid_argument",
      `The server of "${this.#folder}" keeps its data in ${where}: leave out --database, or name the folder of ` +
        "another server with --data.",
    );
  }

  async #callWithoutServer<Result>(
    call: (handlers: OperatorHandlers) => Promise<Result>,
    { makeFolder }: { makeFolder: boolean },
  ): Promise<Result> {
    await using opened = new AsyncDisposableStack();
    const { store, search } = this.#database === undefined
      ? openFolder(this.#folder, { makeFolder, opened })
      : await openDatabase(this.#database, opened);
    const core = openCore(store, {
      search,
      registration: "closed",
      rate: { perSecond: 1, burst: 1 },
      log: silentLog,
    });
    try {
      const result = await call(operatorCommands(core));
      await core.erasure.run();
      return result;
    } finally {
      await core.close();
    }
  }
}

interface OwnStore {
  readonly store: Store;
  readonly search: MessageSearch;
}

function openFolder(
  folder: string,
  { makeFolder, opened }: { makeFolder: boolean; opened: AsyncDisposableStack },
): OwnStore {
  refuseDatabaseFolder(folder);
  if (!makeFolder) requireDatabase(folder);
  opened.use(takeFolder(folder));
  const store = opened.use(openStore({ folder }));
  return { store, search: opened.use(new BackgroundSearch({ folder, log: silentLog })) };
}

async function openDatabase(database: DatabaseOptions, opened: AsyncDisposableStack): Promise<OwnStore> {
  const { openStoreForCommand } = await import("../store/postgres/serving_store.ts");
  const store = await openStoreForCommand(await readAccess(database), { log: silentLog });
  opened.defer(() => store.close());
  return { store, search: store.search };
}

/**
 * Returns the version of the server that owns a data folder, like `longVersion`; undefined if no server accepts
 * commands.
 * @throws {ChatError} `unsupported_version` if it is too old to tell its version; `permission_denied`, `unavailable`
 */
export async function versionOfServer(folder: string): Promise<string | undefined> {
  const connection = await connect(controlSocketPath(folder));
  if (connection === undefined) return undefined;
  return await sendRequest(connection, "server.version", {});
}

class FolderTaken extends Error {}

function takeFolder(folder: string): Disposable {
  try {
    return lockFolder(folder);
  } catch (error) {
    throw error instanceof ChatError && error.code === "busy" ? new FolderTaken("taken", { cause: error }) : error;
  }
}

function unwrap(error: unknown): unknown {
  return error instanceof FolderTaken ? error.cause : error;
}

/** Returns undefined if no server listens. */
async function connect(path: string): Promise<Deno.Conn | undefined> {
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return undefined;
    if (error instanceof Deno.errors.NotCapable) throw socketRefused(path, error);
    if (!(error instanceof Deno.errors.PermissionDenied)) throw dataFolderError(path.replace(/\/[^/]*$/, ""), error);
    throw new ChatError(
      "permission_denied",
      `The server's socket "${path}" belongs to another user of this system: run this command as that user.`,
      { cause: error },
    );
  }
}

async function sendRequest<Call extends OperatorCall>(
  connection: Deno.Conn,
  call: Call,
  args: ArgumentsOf<Call>,
): Promise<ResultOf<Call>> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    connection.close();
  }, replyTimeoutMs);
  try {
    await writeJsonLine(connection, { command: call, arguments: args } satisfies ControlRequest);
    const reply = await readJsonLine(connection, { maxBytes: maxReplyBytes }) as ControlReply;
    return (unpack(reply) ?? undefined) as ResultOf<Call>;
  } catch (error) {
    if (error instanceof ServerError) throw error.cause;
    throw new ChatError("unavailable", "The server did not answer, and may or may not have run the command.", {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    if (!late) connection.close();
  }
}

/** Wraps an error that the server sent, to distinguish it from an error of the connection. */
class ServerError extends Error {}

function unpack(reply: ControlReply): unknown {
  if ("result" in reply) return reply.result;
  const { code, message } = reply.error;
  throw new ServerError("the server sent an error", { cause: new ChatError(code as ChatErrorCode, message) });
}
