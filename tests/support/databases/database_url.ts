import type { DatabaseAccess } from "../../../src/store/postgres/connection/database_address.ts";

/** Returns the environment of a chatd that serves from a database, with its password. */
export function databaseEnvironment({ address, password }: DatabaseAccess): { CHATD_DATABASE: string } {
  const { hosts: [{ host, port }], user, database, schema } = address;
  return { CHATD_DATABASE: `postgres://${user}:${password}@${host}:${port}/${database}?schema=${schema}` };
}
