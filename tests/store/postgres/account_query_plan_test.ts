import assert from "node:assert/strict";
import { Connection, type Parameter } from "../../../src/store/postgres/connection/connection.ts";
import { accountStatements } from "../../../src/store/postgres/postgres_account_store.ts";
import { auditStatements } from "../../../src/store/postgres/postgres_audit_log.ts";
import { clockStatements } from "../../../src/store/postgres/postgres_clock_store.ts";
import { cleanupStatements } from "../../../src/store/postgres/postgres_device_cleanup.ts";
import { settingsStatements } from "../../../src/store/postgres/postgres_settings_store.ts";
import { emptySchema } from "../../support/databases/postgres_store.ts";

type Texts = Readonly<Record<string, string>>;
type Values<Statements extends Texts> = { readonly [Name in keyof Statements]: readonly Parameter[] };

/** Values that a server would give, by statement. */
const accountValues: Values<typeof accountStatements> = {
  findObstacles: ["user7", "user7", null, null, 200_000],
  addUser: ["eve", "", 0, 1, "eve", 0, null],
  findUser: ["user7"],
  listUsers: ["user7", 100],
  setPassword: ["user7", "hash"],
  setDisabled: ["user7", 1],
  deleteUser: ["eve", "deleted.eve", false],
  saveDevice: ["user7", "d7", new Uint8Array(), "t7", 1, 1, 1],
  findDevice: ["d7"],
  findDeviceByToken: ["t7"],
  listDevices: ["user7"],
  touchDevice: ["d7", 1, 1],
  replaceTokens: ["user7", "d7", "next", 1],
  logOutAll: ["user7"],
  trimDevices: ["user7", 99],
  logOutDevice: ["d7"],
  addInvite: ["code", 1, 1],
  hasInvite: ["code", 1],
};
const settingsValues: Values<typeof settingsStatements> = {
  readSettings: ["user7"],
  lockUser: ["user7"],
  saveSettings: [7, 1, 1, 0, "", ""],
  directPeers: ["user7"],
  findUser: ["user7"],
  block: [7, 8, 1],
  unblock: ["user7", "user8", 1],
  findConversation: ["user7:user8", "user7"],
  hasWritten: [7, 9_600, 10_000, 7],
  saveLastSeen: [["user7", "user8"], [1, 2]],
  readLastSeen: [["user7", "user8"]],
};
const auditValues: Values<typeof auditStatements> = {
  add: [[7], [7], ["a"], ["b"], [""], [""], [new Uint8Array()], [1]],
  trim: [100_000],
  list: [7, 0, "", 100],
};
const clockValues: Values<typeof clockStatements> = {
  readTimes: [],
  noteSeen: [1],
  restampDevices: [200_000],
  restampConsumers: [200_000],
  restampInvites: [200_000],
  restampUploads: [200_000],
};
const cleanupValues: Values<typeof cleanupStatements> = {
  findDevices: [5, 64],
  touchDevices: [[7, 8], 5, 6],
  removeDevices: [5, [7, 8]],
  findConsumers: [5, 64],
  touchConsumers: [[7, 8], ["ui", "ui"], 5, 6],
  removeConsumers: [[7, 8], ["ui", "ui"], 5],
};

interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly Parameter[];
}

const statements: readonly Statement[] = [
  ...pair("account", accountStatements, accountValues),
  ...pair("settings", settingsStatements, settingsValues),
  ...pair("audit", auditStatements, auditValues),
  ...pair("clock", clockStatements, clockValues),
  ...pair("cleanup", cleanupStatements, cleanupValues),
];

function pair(store: string, texts: Texts, values: Readonly<Record<string, readonly Parameter[]>>) {
  return Object.entries(texts).map(([name, text]) => ({ name: `${store}.${name}`, text, values: values[name] }));
}

const rows = `
  INSERT INTO "user" (name, password_hash, disabled, created_at)
    SELECT 'user' || n, '', 0, n FROM generate_series(1, 100000) n;
  INSERT INTO name_skeleton SELECT n, 0, 'user' || n, 0 FROM generate_series(1, 100000) n;
  INSERT INTO retired_name SELECT 'gone' || n FROM generate_series(1, 10000) n;
  INSERT INTO device (public_id, "user", name, token_hash, created_at, last_used_at, expires_at)
    SELECT 'd' || n, n, '', CASE WHEN n % 3 > 0 THEN 't' || n END, n, n, n FROM generate_series(1, 100000) n;
  INSERT INTO consumer SELECT n, 'ui', 0, n FROM generate_series(1, 100000) n;
  INSERT INTO conversation (name) SELECT 'user' || n || ':user' || n + 1 FROM generate_series(1, 100000) n;
  INSERT INTO member (conversation, "user")
    SELECT n, n + added FROM generate_series(1, 100000) n, generate_series(0, 1) added;
  INSERT INTO block SELECT n, n + 1, 0, 5 FROM generate_series(1, 100000) n;
  INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
    SELECT n, n % 10, n / 10, n % 100, gen_random_uuid(), n, '' FROM generate_series(1, 100000) n;
  INSERT INTO audit (at, minute, action, actor, subject, address, detail, count)
    SELECT n, n, '', '', '', '', '', 1 FROM generate_series(1, 100000) n;
  INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, position)
    SELECT n, gen_random_uuid(), '', '', 1, sha256('0'), n, nullif(n, 7) FROM generate_series(1, 10000) n;
`;

/** A connection that plans each statement once, as those of the stores do. */
class Planner {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async plan({ name, text, values }: Statement): Promise<void> {
    await this.#connection.execute(`PREPARE "${name}" AS ${text}; EXPLAIN ${execution({ name, values })}`);
  }

  /** Runs a statement without its effect. @returns how many rows it read */
  async countRead({ name, values }: Statement): Promise<number> {
    await this.#connection.execute("BEGIN");
    const before = await this.#rowsRead();
    await this.#connection.execute(execution({ name, values }));
    const after = await this.#rowsRead();
    await this.#connection.execute("ROLLBACK");
    return after - before;
  }

  async #rowsRead(): Promise<number> {
    const [{ read }] = await this.#connection.query<{ read: number }>(
      `SELECT sum(seq_tup_read + idx_tup_fetch)::bigint AS read FROM pg_stat_xact_user_tables
       WHERE schemaname = current_schema()`,
    );
    return read;
  }
}

function execution({ name, values }: Omit<Statement, "text">): string {
  return `EXECUTE "${name}"${values.length === 0 ? "" : `(${values.map(toLiteral)})`}`;
}

function toLiteral(value: Parameter): string {
  if (value === null) return "NULL";
  return typeof value === "number" || typeof value === "boolean" ? String(value) : `'${toText(value)}'`;
}

function toText(value: Exclude<Parameter, null>): string {
  if (value instanceof Uint8Array) return `\\x${value.toHex()}`;
  return Array.isArray(value) ? `{${value.map((item) => JSON.stringify(toText(item)))}}` : String(value);
}

/** More than a page of a list has. */
const fewRows = 500;

Deno.test("no statement about accounts, settings, devices or the audit log reads more as the tables grow", async () => {
  const access = await emptySchema();
  const open = async () => {
    const connection = await Connection.open(access, { name: "test", statementTimeoutMs: 0, usesIndexes: true });
    await connection.execute("SET session_replication_role = replica");
    return connection;
  };
  await using first = await open();
  await using second = await open();
  const [early, late] = [new Planner(first), new Planner(second)];
  const planAll = async (planner: Planner) => {
    for (const statement of statements) await planner.plan(statement);
  };
  const readingMuch = async (planner: Planner) => {
    const found: string[] = [];
    for (const statement of statements) {
      if (await planner.countRead(statement) > fewRows) found.push(statement.name);
    }
    return found;
  };
  await planAll(early);
  await first.execute(rows);
  assert.deepEqual(await readingMuch(early), []);
  await planAll(late);
  assert.deepEqual(await readingMuch(late), []);
  await first.execute("ANALYZE");
  assert.deepEqual(await readingMuch(early), []);
  assert.deepEqual(await readingMuch(late), []);
});
