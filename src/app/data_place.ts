import type { ServerOptions } from "./server_options.ts";

/** Where a server keeps its data. */
export interface DataPlace {
  /** Returns it for people; the folder must exist. */
  shown(): string;
}

/** Returns where a server with these options keeps its data. */
export async function findDataPlace(
  { dataDir, database }: Pick<ServerOptions, "dataDir" | "database">,
): Promise<DataPlace> {
  if (database === undefined) return { shown: () => Deno.realPathSync(dataDir) };
  const { showDatabase } = await import("../store/postgres/connection/database_address.ts");
  return { shown: () => `the database ${showDatabase(database.url.address)}` };
}
