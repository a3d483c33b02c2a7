import type { ControlHandlers } from "../../host/control_socket.ts";
import { longVersion } from "../../host/version.ts";
import type { DatabaseAccess } from "../../store/postgres/connection/database_address.ts";
import { operatorCallNames, type OperatorHandlers } from "../operator_calls.ts";
import { callDatabase } from "./call_database.ts";

/**
 * Returns the handlers of a node that stands by: it answers calls about itself, and passes the others on.
 * @param options.where the address of the database
 */
export function standbyCommands(
  access: DatabaseAccess,
  { where, reason, signal }: { where: string; reason(): string; signal: AbortSignal },
): ControlHandlers {
  const passedOn = operatorCallNames.map((command) => [
    command,
    (args: Readonly<Record<string, unknown>>) => callDatabase(access, { command, arguments: args }, { signal }),
  ]);
  const own = {
    "server.version": () => Promise.resolve(longVersion),
    "server.database": () => Promise.resolve(where),
    "server.standby": () => Promise.resolve(reason()),
  } satisfies Partial<OperatorHandlers>;
  return { ...Object.fromEntries(passedOn), ...own };
}
