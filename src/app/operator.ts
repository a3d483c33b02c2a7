import type { User } from "../core/accounts/accounts.ts";
import type { AuditEntry } from "../core/audit/audit.ts";
import { ChatError } from "../core/chat_error.ts";
import type { DeletedAccounts } from "../core/limits.ts";
import { silentLog } from "../core/log.ts";
import type { ConversationRule } from "../core/messages/retention_store.ts";
import type { MemberRole, Room } from "../core/rooms/room.ts";
import type { RoomMember } from "../core/rooms/rooms.ts";
import type { MessageSearch } from "../core/search/message_search.ts";
import { requireDataFolder } from "../host/permissions.ts";
import { controlSocketPath } from "../host/socket_path.ts";
import { refuseDatabaseFolder } from "../store/data_folder.ts";
import { lockFolder } from "../store/folder_lock.ts";
import { openStore } from "../store/open_store.ts";
import { requireDatabase } from "../store/sqlite/database.ts";
import type { Store } from "../store/store.ts";
import { BackgroundSearch } from "./background_search.ts";
import { type DatabaseOptions, readAccess } from "./database/database_access.ts";
import { openCore } from "./open_chat.ts";
import type { ArgumentsOf, OperatorCall, OperatorHandlers, ResultOf } from "./operator_calls.ts";
import { operatorCommands } from "./operator_commands.ts";
import { connectToServer, sendRequest } from "./operator_socket.ts";

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
 * Runs the operator's commands on a data folder or a database. A call goes to the server that owns the folder, or else
 * through the database to the node that serves; if none runs, it locks the folder, or holds the lease of the database,
 * for the duration of the call. Rejects with a `ChatError`.
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
    const connection = await connectToServer(controlSocketPath(this.#folder));
    if (connection !== undefined) await sendRequest(connection, "audit.backup_made", { detail });
  }

  async #call<Call extends OperatorCall>(
    call: Call,
    args: ArgumentsOf<Call>,
    { makeFolder = false }: { makeFolder?: boolean } = {},
  ): Promise<ResultOf<Call>> {
    for (const deadline = Date.now() + patienceMs;;) {
      if (this.#database !== undefined) await this.#requireDatabase(this.#database);
      const connection = await connectToServer(controlSocketPath(this.#folder));
      if (connection !== undefined) return await sendRequest(connection, call, args);
      if (this.#database !== undefined) return await callInDatabase(this.#database, { call, args });
      try {
        return await this.#callInFolder((handlers) => handlers[call](args), { makeFolder });
      } catch (error) {
        // A server that is starting or stopping owns the folder but does not listen.
        if (!(error instanceof FolderTaken) || Date.now() >= deadline) throw unwrap(error);
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  /** @throws {ChatError} `invalid_argument` if the server of the folder, if any, keeps its data elsewhere */
  async #requireDatabase({ url: { address } }: DatabaseOptions): Promise<void> {
    const connection = await connectToServer(controlSocketPath(this.#folder));
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

  async #callInFolder<Result>(
    call: (handlers: OperatorHandlers) => Promise<Result>,
    { makeFolder }: { makeFolder: boolean },
  ): Promise<Result> {
    refuseDatabaseFolder(this.#folder);
    if (!makeFolder) requireDatabase(this.#folder);
    using _lock = takeFolder(this.#folder);
    using store = openStore({ folder: this.#folder });
    using search = new BackgroundSearch({ folder: this.#folder, log: silentLog });
    return await callOnStore(store, { search, call });
  }
}

/** Runs a call at the node that serves from a database, or on its store while none does. */
async function callInDatabase<Call extends OperatorCall>(
  database: DatabaseOptions,
  { call, args }: { call: Call; args: ArgumentsOf<Call> },
): Promise<ResultOf<Call>> {
  const { callDatabase } = await import("./database/call_database.ts");
  const request = { command: call, arguments: args };
  const result = await callDatabase(await readAccess(database), request, {
    run: (store) => callOnStore(store, { search: store.search, call: (handlers) => handlers[call](args) }),
  });
  return result as ResultOf<Call>;
}

/** Runs a call on a store that no server has. */
async function callOnStore<Result>(
  store: Store,
  { search, call }: { search: MessageSearch; call(handlers: OperatorHandlers): Promise<Result> },
): Promise<Result> {
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
