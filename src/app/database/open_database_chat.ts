import type { ChatError } from "../../core/chat_error.ts";
import type { ControlHandlers } from "../../host/control_socket.ts";
import { requireDataFolder } from "../../host/permissions.ts";
import { lockFolder } from "../../store/folder_lock.ts";
import type { LeaseState } from "../../store/postgres/connection/held_lease.ts";
import type { StandbyOptions } from "../../store/postgres/connection/standby.ts";
import { describeStandby } from "../standby_doors.ts";
import { GuardedSearch } from "../guarded_search.ts";
import { asOpenChat, type CoreOptions, type OpenChat, openCore, reportUnrecorded, startCore } from "../open_chat.ts";
import { type NodeOptions, readAccess } from "./database_access.ts";
import { version } from "../../host/version.ts";
import { NodeControl } from "./node_control.ts";
import { hostName, nodeName } from "./node_name.ts";

export interface OpenDatabaseChatOptions extends CoreOptions, Omit<StandbyOptions, "log"> {
  database: NodeOptions;
  /** The folder for secrets and the control socket. */
  folder: string;
  /** Whether to wait for a database that cannot be reached, since a previous process has served from it. */
  again: boolean;
}

/** A chat in a database. */
export interface OpenDatabaseChat extends OpenChat {
  /** Settles with the reason when this node can serve no longer; another process can. */
  readonly lost: Promise<ChatError>;
  readonly lease: LeaseState;
}

/**
 * Locks the folder, and opens the store in a database as soon as no other node serves from it. Operators' commands are
 * answered meanwhile, too.
 * @returns undefined if the signal ended the wait
 * @throws {ChatError} errors of `lockFolder` and `openControlSocket`; if the database cannot be used
 */
export async function openDatabaseChat(options: OpenDatabaseChatOptions): Promise<OpenDatabaseChat | undefined> {
  const { database, folder, log } = options;
  requireDataFolder(folder);
  await using opened = new AsyncDisposableStack();
  const lock = opened.use(lockFolder(folder));
  const { openServingStore } = await import("../../store/postgres/serving_store.ts");
  const { showDatabase } = await import("../../store/postgres/connection/database_address.ts");
  const { CallReceiver } = await import("./sealed_call.ts");
  const { OperatorRequests } = await import("./operator_requests.ts");
  const { standbyCommands } = await import("./standby_commands.ts");
  const access = await readAccess(database);
  const where = showDatabase(access.address);
  const control = opened.use(new NodeControl({ folder, log }));
  const receiver = await CallReceiver.create();
  const store = await openServingStore(access, {
    ...options,
    node: nodeName(database),
    version,
    host: hostName(),
    publicKey: receiver.publicKey,
    onStandby: (reason) => {
      control.standBy(describeStandby(reason), (standingBy) => standbyCommands(access, { where, ...standingBy }));
      options.onStandby?.(reason);
    },
  });
  if (store === undefined) return undefined;
  opened.defer(() => store.close());
  let isLost = false;
  void store.lost.then(() => isLost = true);
  await store.beginServing().catch((error) => reportUnrecorded(error, log));
  const core = openCore(store, { ...options, search: new GuardedSearch(store.search) });
  const listen = (handlers: ControlHandlers) => {
    control.serve(handlers);
    const requests = new OperatorRequests({ store, receiver, handlers, log });
    return {
      async close() {
        await Promise.all([control.close(), requests.close()]);
      },
    };
  };
  const stop = startCore(core, { store, listen, database: where });
  opened.move();
  const close = async () => {
    try {
      await stop();
    } catch (error) {
      // Without a database, pending changes cannot be written.
      if (!isLost) throw error;
    } finally {
      await store.close();
      lock.release();
    }
  };
  return { ...asOpenChat(core, { store, close }), lost: store.lost, lease: store.lease };
}
