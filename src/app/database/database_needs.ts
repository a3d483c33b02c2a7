import { formatHostPort } from "../../host/host_port.ts";
import type { ServingNeeds } from "../../host/supervisor/serving_command.ts";
import type { DatabaseOptions } from "./database_access.ts";

/** Variables that the client library of PostgreSQL looks up, though chatd gives it all of its settings. */
export const databaseVariables: readonly string[] = ["PG*", "USER", "USERNAME"];

/** Returns the permissions of a process that uses a database. */
export function databaseNeeds({ url, passwordFile, caFile }: DatabaseOptions): Pick<ServingNeeds, "read" | "net"> {
  return {
    read: [passwordFile, caFile].filter((file) => file !== undefined),
    net: url.address.hosts.map(formatHostPort),
  };
}
