import { Buffer } from "node:buffer";
// @ts-types="@types/pg"
import pg from "pg";
import type { DatabaseAccess, DatabaseAddress } from "./database_address.ts";
import { connectError, queryError } from "./postgres_error.ts";

/** A value of a parameter. Octets go over the wire as they are; arrays become arrays of PostgreSQL. */
export type Parameter =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | readonly (string | number | null | Uint8Array)[];

/** Runs statements. Each text is planned once in each connection. */
export interface Queries {
  /**
   * Returns the rows of one statement.
   * @throws {ChatError} as `queryError` says
   */
  query<Row>(text: string, values?: readonly Parameter[]): Promise<Row[]>;
}

export interface ConnectionOptions {
  /** The purpose of the connection, shown in `pg_stat_activity`. */
  readonly name: string;
  /** That of the lease under which it may write: see `fence.ts`. */
  readonly generation?: number;
  /** The longest that a statement may take, in milliseconds; 10 s unless given, 0 for no limit. */
  readonly statementTimeoutMs?: number;
  /**
   * How long to wait for the answer to a statement, in milliseconds; some seconds more than a statement may take unless
   * given. The connection is of no use after that.
   */
  readonly answerTimeoutMs?: number;
  /** How long a host may take to accept the connection and the login, in milliseconds; 10 s unless given. */
  readonly connectTimeoutMs?: number;
  /**
   * Plans each statement once, by indexes, regardless of statistics: a plan is kept while tables grow, and one that scans
   * a table of 40 entries is a thousand times slower with 400,000.
   */
  readonly usesIndexes?: boolean;
}

/** Long enough for the slowest page, and shorter than the patience of a client. */
const standardStatementMs = 10_000;
/** The longest way of an answer. */
const networkMs = 5_000;
const lockTimeoutMs = 5_000;
/** A transaction of a frozen node must not stop others for longer (decision 0018). */
const idleTransactionMs = 5_000;
const standardConnectMs = 10_000;
/** How long a server may take to close a connection, in milliseconds: a frozen one never does. */
const goodbyeMs = 1_000;

const { builtins } = pg.types;
/** The type of an array of bigint, which the library has no name for. */
const bigintArray: number = 1016;
/** Every bigint of the schema is a safe integer. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid === builtins.INT8) return Number;
    return oid === bigintArray ? parseNumbers : pg.types.getTypeParser(oid, format);
  },
};

/** Parses an array like "{1,2}". */
function parseNumbers(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(Number);
}

/** Names of prepared statements, by their text. */
const names = new Map<string, string>();

function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) names.set(text, name = `s${names.size}`);
  return name;
}

/** Returns the options of a connection to one host of a database. */
export function clientConfig(
  { address, password, ca }: DatabaseAccess,
  { host, port }: Host,
  {
    name,
    generation,
    statementTimeoutMs = standardStatementMs,
    answerTimeoutMs = statementTimeoutMs === 0 ? 0 : statementTimeoutMs + networkMs,
    connectTimeoutMs = standardConnectMs,
    usesIndexes = false,
  }: ConnectionOptions,
): pg.ClientConfig {
  const { user, database, sslMode, schema } = address;
  const settings = {
    search_path: schema,
    default_transaction_isolation: "read\\ committed",
    lock_timeout: lockTimeoutMs,
    tcp_user_timeout: standardConnectMs,
    client_min_messages: "warning",
    // Statements are short, and compiling one takes longer than running it.
    jit: "off",
    // Pages rely on the order in which loops find their rows.
    max_parallel_workers_per_gather: 0,
    ...(usesIndexes && { enable_seqscan: "off", enable_bitmapscan: "off", plan_cache_mode: "force_generic_plan" }),
    ...(generation !== undefined && { "chatd.generation": generation }),
  };
  return {
    host,
    port,
    user,
    database,
    // Called only if the server asks for a password.
    password: () => password ?? "",
    ssl: sslMode === "disable"
      ? false
      : { rejectUnauthorized: sslMode === "verify-full", ...(ca !== undefined && { ca }) },
    // A takeover finds the connections of a generation by it: see `take_lease_1`.
    application_name: `chatd ${name}${generation === undefined ? "" : ` ${generation} ${schema}`}`,
    options: Object.entries(settings).map(([key, value]) => `-c ${key}=${value}`).join(" "),
    statement_timeout: statementTimeoutMs,
    query_timeout: answerTimeoutMs,
    idle_in_transaction_session_timeout: idleTransactionMs,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: standardConnectMs,
    types,
  };
}

/** Runs a statement on a client, prepared. */
export async function runOn<Row>(client: pg.ClientBase, text: string, values: readonly Parameter[]): Promise<Row[]> {
  try {
    return (await client.query({ name: nameOf(text), text, values: values.map(toValue) })).rows as Row[];
  } catch (error) {
    throw queryError(error);
  }
}

function toValue(value: Parameter): unknown {
  if (!Array.isArray(value)) return value instanceof Uint8Array ? toBuffer(value) : value;
  return value.map((item) => item instanceof Uint8Array ? toBuffer(item) : item);
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** One of the hosts of a database. */
type Host = DatabaseAddress["hosts"][number];

/** One connection, owned by its opener. Statements run in the order of the calls. */
export class Connection implements Queries, AsyncDisposable {
  /** Settles once the connection is gone: with its error, or with undefined after {@link close}. */
  readonly ended: Promise<Error | undefined>;
  /** Where it leads. */
  readonly host: Host;
  /** Called with each notice on a channel that this connection listens to. */
  onNotice: (payload: string) => void = () => {};
  readonly #client: pg.Client;

  private constructor(client: pg.Client, host: Host) {
    this.#client = client;
    this.host = host;
    client.on("notification", ({ payload = "" }) => this.onNotice(payload));
    this.ended = new Promise((resolve) => {
      client.once("error", resolve);
      client.once("end", () => resolve(undefined));
    });
  }

  /**
   * Connects to the first host that answers and is not a standby.
   * @throws {ChatError} as `connectError` says, for the last host
   */
  static async open(access: DatabaseAccess, options: ConnectionOptions): Promise<Connection> {
    const { client, host } = await connectToPrimary(access, options);
    return new Connection(client, host);
  }

  query<Row>(text: string, values: readonly Parameter[] = []): Promise<Row[]> {
    return runOn<Row>(this.#client, text, values);
  }

  /** Runs several statements that take no parameters. @throws {ChatError} */
  async execute(script: string): Promise<void> {
    try {
      await this.#client.query(script);
    } catch (error) {
      throw queryError(error);
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await endClient(this.#client);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Connects to the first host that answers and is not a standby, and returns which it is. */
export async function connectToPrimary(
  access: DatabaseAccess,
  options: ConnectionOptions,
): Promise<{ client: pg.Client; host: Host }> {
  let failure: unknown;
  for (const host of access.address.hosts) {
    try {
      const { client, isStandby } = await connectToHost(access, { host, ...options });
      if (!isStandby) return { client, host };
      await endClient(client);
      failure = connectError(access.address, "standby");
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Connects to one host of a database. @throws {ChatError} as `connectError` says */
export async function connectToHost(
  access: DatabaseAccess,
  { host, ...options }: ConnectionOptions & { readonly host: Host },
): Promise<{ client: pg.Client; isStandby: boolean }> {
  const client = new pg.Client(clientConfig(access, host, options));
  // An error after the attempt is that of the connection's owner.
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows: [{ isStandby }] } = await client.query('SELECT pg_is_in_recovery() AS "isStandby"');
    return { client, isStandby };
  } catch (error) {
    await endClient(client);
    throw connectError(access.address, error);
  }
}

/** Closes a connection, within a second even if the server does not answer. Idempotent. */
export async function endClient(client: pg.Client): Promise<void> {
  const tooLate = setTimeout(() => dropClient(client), goodbyeMs);
  try {
    await client.end();
  } catch {
    // It has ended, in disorder.
  } finally {
    clearTimeout(tooLate);
  }
}

/** Closes a connection without the server. */
function dropClient(client: pg.Client): void {
  client.connection.stream.destroy();
}
