import { type DatabaseOptions, readAccess } from "../../app/database/database_access.ts";
import { databaseNeeds, databaseVariables } from "../../app/database/database_needs.ts";
import { formatDatabaseUrl } from "../../app/database/database_url.ts";
import { silentLog } from "../../core/log.ts";
import { isLoopback } from "../../host/loopback.ts";
import type { DatabaseAccess } from "../../store/postgres/connection/database_address.ts";
import type { Store } from "../../store/store.ts";
import type { BenchStorage, PreparedStorage } from "./bench_storage.ts";
import type { OwnedResources } from "./owned_resources.ts";

/** Stores in a database, each in a schema of its own, which is dropped with its server. */
export class DatabaseStorage implements BenchStorage {
  readonly #resources: OwnedResources;
  readonly #options: DatabaseOptions;

  constructor(resources: OwnedResources, options: DatabaseOptions) {
    this.#resources = resources;
    this.#options = options;
  }

  async prepare<Result>(
    _folder: string,
    work: (store: Store) => Promise<Result>,
  ): Promise<PreparedStorage<Result>> {
    const { migrateSchema } = await import("../../store/postgres/schema/schema_version.ts");
    const { openStoreForCommand } = await import("../../store/postgres/serving_store.ts");
    const given = await readAccess(this.#options);
    const address = { ...given.address, schema: `bench_${crypto.randomUUID().slice(0, 8)}` };
    const access = { ...given, address };
    await migrateSchema(access);
    const remove = once(() => dropSchema(access));
    this.#resources.use({ [Symbol.asyncDispose]: remove });
    // The lease of a new schema is free.
    const store = (await openStoreForCommand(access, { log: silentLog }))!;
    let prepared: Result;
    try {
      prepared = await work(store);
    } finally {
      await store.close();
    }
    const { read, net } = databaseNeeds(this.#options);
    const files = await this.#fileArguments(access);
    return {
      prepared,
      args: [`--database=${formatDatabaseUrl(address)}`, "--node=bench", ...files.args],
      read: [...read, ...files.read],
      net,
      env: databaseVariables,
      databasePid: await postmasterOf(access),
      remove,
    };
  }

  /** Hands over the password in a file, because other users can read the arguments of a process. */
  async #fileArguments({ password }: DatabaseAccess): Promise<{ args: string[]; read: string[] }> {
    const { caFile } = this.#options;
    const args = caFile === undefined ? [] : [`--database-ca-file=${caFile}`];
    if (password === undefined) return { args, read: [] };
    const file = await this.#resources.folder();
    await Deno.writeTextFile(file, password, { mode: 0o600 });
    return { args: [...args, `--database-password-file=${file}`], read: [file] };
  }
}

async function dropSchema(access: DatabaseAccess): Promise<void> {
  const { Connection } = await import("../../store/postgres/connection/connection.ts");
  await using connection = await Connection.open(access, { name: "bench", statementTimeoutMs: 0 });
  await connection.execute(`DROP SCHEMA ${access.address.schema} CASCADE`);
}

/** Returns the parent of all processes of the database's server; undefined on another machine. */
async function postmasterOf(access: DatabaseAccess): Promise<number | undefined> {
  if (!access.address.hosts.every(({ host }) => isLoopback(host))) return undefined;
  const { Connection } = await import("../../store/postgres/connection/connection.ts");
  const { parentOf } = await import("../workloads/process_usage.ts");
  await using connection = await Connection.open(access, { name: "bench" });
  const [{ pid }] = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return await parentOf(pid);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => done ??= work();
}
