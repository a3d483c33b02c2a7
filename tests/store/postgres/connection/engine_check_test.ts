import assert from "node:assert/strict";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import type { DatabaseAccess } from "../../../../src/store/postgres/connection/database_address.ts";
import {
  checkEngine,
  type EngineFacts,
  readFacts,
  refuseEngine,
  warnAbout,
} from "../../../../src/store/postgres/connection/engine_check.ts";
import { connectError } from "../../../../src/store/postgres/connection/postgres_error.ts";
import { inspectDatabase, migrateDatabase } from "../../../../src/store/postgres/inspect_database.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";
import { PgBouncer } from "../../../support/databases/pgbouncer.ts";
import { accessTo, PostgresNode } from "../../../support/databases/postgres_node.ts";

/** The node of this file. Started before the first test, to which it would seem a leak. */
const node = await PostgresNode.start();
const access = accessTo(node.address, "engine_check");

const soundFacts: EngineFacts = {
  version: 150_018,
  encoding: "UTF8",
  hasSessions: true,
  locksExclude: true,
  isReadOnly: false,
  standbys: 0,
  hasSynchronousStandby: false,
  neighbours: [],
};

function inDatabase(database: string): DatabaseAccess {
  return { ...access, address: { ...access.address, database } };
}

async function execute(...statements: string[]): Promise<void> {
  await using connection = await Connection.open(access, { name: "test" });
  for (const statement of statements) await connection.execute(statement);
}

Deno.test("PostgreSQL itself is accepted without a warning", async () => {
  const facts = await readFacts(access);
  assert.ok(facts.version >= 140_000);
  assert.deepEqual(facts, { ...soundFacts, version: facts.version });
  assert.deepEqual(await checkEngine(access), []);
});

Deno.test("a database of another encoding is refused, with the command that makes a right one", async () => {
  await execute("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  const { message } = await rejectsWith("invalid_argument", checkEngine(inDatabase("latin")));
  assert.match(message, /its encoding is LATIN1; create another one with: createdb --encoding UTF8/);
  await execute("DROP DATABASE latin");
});

Deno.test("other databases of the same server are a warning", async () => {
  await execute("CREATE DATABASE wiki");
  const [{ problem }] = await checkEngine(access);
  assert.equal(problem, "the server has other databases: wiki");
  await execute("DROP DATABASE wiki");
});

Deno.test("a pooler that lends connections for a transaction is refused, and one for sessions is not", async () => {
  const parameters = ["options", "statement_timeout", "idle_in_transaction_session_timeout"];
  for (const ignoredParameters of [[], parameters]) {
    await using pooler = await PgBouncer.start(node.address, { poolMode: "transaction", ignoredParameters });
    const { message } = await rejectsWith("invalid_argument", checkEngine(accessTo(pooler.address, "engine_check")));
    assert.match(message, /through this pooler.*name the database server itself, or a pool in session mode/);
  }
  await using pooler = await PgBouncer.start(node.address, { poolMode: "session", ignoredParameters: parameters });
  assert.equal((await readFacts(accessTo(pooler.address, "engine_check"))).hasSessions, true);
});

Deno.test("an old version, locks that do not exclude and a missing session are refused", () => {
  const refusals: [Partial<EngineFacts>, RegExp][] = [
    [{ version: 130_011 }, /it is PostgreSQL 13; use version 14 or later/],
    [{ locksExclude: false }, /its advisory locks do not exclude/],
    [{ hasSessions: false }, /through this pooler/],
    [{ encoding: "SQL_ASCII" }, /its encoding is SQL_ASCII/],
    [{ isReadOnly: true }, /its transactions may only read, because default_transaction_read_only is on/],
  ];
  for (const [facts, expected] of refusals) {
    assert.match(refuseEngine(access.address, { ...soundFacts, ...facts })!.message, expected);
  }
  assert.equal(refuseEngine(access.address, soundFacts), undefined);
});

Deno.test("a user whose transactions only read is refused with the statement that lets them write", async () => {
  await execute(
    'CREATE ROLE "only reads" LOGIN PASSWORD \'pw\'; ALTER ROLE "only reads" SET default_transaction_read_only = on',
  );
  const reader = inSchema("engine_check", "only reads");
  const { message } = await rejectsWith("unavailable", checkEngine(reader));
  const remedy = /: (ALTER ROLE "only reads" IN DATABASE "chatd" SET default_transaction_read_only = off)\.$/;
  const [, statement] = remedy.exec(message) ?? assert.fail(message);
  await execute(statement);
  assert.deepEqual(await checkEngine(reader), []);
  await execute(`${statement.replace("SET", "RESET").replace(" = off", "")}; DROP ROLE "only reads"`);
});

Deno.test("a connection is closed though its server is frozen", async () => {
  const connection = await Connection.open(access, { name: "test" });
  const [{ pid }] = await connection.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  Deno.kill(pid, "SIGSTOP");
  try {
    await connection.close();
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
  assert.equal(await connection.ended, undefined);
});

Deno.test("standbys without a synchronous one are a warning", () => {
  assert.match(warnAbout({ ...soundFacts, standbys: 2 })[0].problem, /no standby is synchronous/);
  assert.deepEqual(warnAbout({ ...soundFacts, standbys: 2, hasSynchronousStandby: true }), []);
});

Deno.test("a standby is refused until it is promoted", async () => {
  await using standby = await PostgresNode.start({ standbyOf: node.address });
  const there = accessTo(standby.address, "engine_check");
  const { message } = await rejectsWith("unavailable", checkEngine(there));
  assert.match(message, /it is a standby, which only reads\. Name the primary/);
  const [{ problem }] = await checkEngine(access);
  assert.match(problem, /no standby is synchronous/);
  const both = { ...access, address: { ...access.address, hosts: [...there.address.hosts, ...access.address.hosts] } };
  assert.equal((await readFacts(both)).standbys, 1);
});

Deno.test("a database without tables is refused until they are made", async () => {
  const { message } = await rejectsWith("not_found", inspectDatabase(access));
  assert.match(message, /has no tables of chatd: make them with "chatd database init"/);
  const { before, version } = await migrateDatabase(access);
  assert.equal(before, undefined);
  const { holder, ...inspected } = await inspectDatabase(access);
  assert.deepEqual([inspected.version, inspected.warnings, holder.isHeld], [version, [], false]);
  assert.equal((await migrateDatabase(access)).before, version);
});

Deno.test("tables of an older or of a much newer version are refused", async () => {
  await migrateDatabase(access);
  await execute("UPDATE schema_version SET version = version - 1");
  const older = await rejectsWith("unsupported_version", inspectDatabase(access));
  assert.match(older.message, /run "chatd database migrate"/);
  await execute("UPDATE schema_version SET version = version + 3");
  const newer = await rejectsWith("unsupported_version", inspectDatabase(access));
  assert.match(newer.message, /use a newer chatd/);
  await execute("UPDATE schema_version SET version = version - 2");
});

function inSchema(schema: string, user = access.address.user): DatabaseAccess {
  return {
    ...access,
    address: { ...access.address, schema, user },
    password: user === access.address.user ? access.password : "pw",
  };
}

Deno.test("a schema with tables of another program is refused, though one of them has the name of chatd's", async () => {
  await execute("CREATE SCHEMA wiki; CREATE TABLE wiki.schema_version (version text)");
  for (const attempt of [inspectDatabase, migrateDatabase]) {
    const { message } = await rejectsWith("invalid_argument", attempt(inSchema("wiki")));
    assert.match(message, /The schema "wiki" .* belongs to another program: name another one with \?schema=NAME/);
  }
});

Deno.test("a schema may have the name of a keyword", async () => {
  await migrateDatabase(inSchema("user"));
  assert.equal((await inspectDatabase(inSchema("user"))).holder.isHeld, false);
});

Deno.test("a user without privileges is refused with the privilege that is missing, before the node serves", async () => {
  await migrateDatabase(access);
  await execute("CREATE ROLE reader LOGIN PASSWORD 'pw'");
  const refusal = async (attempt: Promise<unknown>) => (await rejectsWith("permission_denied", attempt)).message;
  const mayNotWrite = /"reader" may not read and write the tables of the schema "engine_check"\. Name the owner/;
  const reader = inSchema("engine_check", "reader");
  assert.match(await refusal(inspectDatabase(reader)), mayNotWrite);
  assert.match(
    await refusal(migrateDatabase(inSchema("readers", "reader"))),
    /may not make or change the tables: perm/,
  );
  await execute(
    "GRANT USAGE ON SCHEMA engine_check TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA engine_check TO reader",
  );
  assert.match(await refusal(inspectDatabase(reader)), mayNotWrite);
  await execute("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA engine_check TO reader");
  await inspectDatabase(reader);
  assert.match(await refusal(migrateDatabase(reader)), /may not make or change the tables: permission denied/);
  await execute("REVOKE CONNECT ON DATABASE chatd FROM PUBLIC");
  assert.match(await refusal(inspectDatabase(reader)), /may not connect to it: permission denied for database "chatd"/);
  await execute("GRANT CONNECT ON DATABASE chatd TO PUBLIC");
});

Deno.test("tables can be made in a schema of a user who may not make one", async () => {
  await execute("CREATE ROLE owner LOGIN PASSWORD 'pw'; CREATE SCHEMA given AUTHORIZATION owner");
  await migrateDatabase(inSchema("given", "owner"));
  await inspectDatabase(inSchema("given", "owner"));
});

Deno.test("tables of the next version are not migrated back", async () => {
  await migrateDatabase(access);
  await execute("UPDATE schema_version SET version = version + 1");
  const { message } = await rejectsWith("unsupported_version", migrateDatabase(access));
  assert.match(message, /which a newer chatd made, .*: nothing was changed/);
  await inspectDatabase(access);
  await execute("UPDATE schema_version SET version = version - 1");
});

Deno.test("a server that does not encrypt is refused with the option that permits it", async () => {
  const { message } = await rejectsWith(
    "unavailable",
    inspectDatabase({ ...access, address: { ...access.address, sslMode: "require" } }),
  );
  assert.match(
    message,
    /it does not encrypt: set ssl = on in its configuration, or add "\?sslmode=disable" to the URL/,
  );
});

Deno.test("a certificate that is not accepted is an error with its remedy", () => {
  const reasons: [code: string, message: string, expected: RegExp][] = [
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate", /not trusted: give its CA with --database-ca-file FILE/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate", /--database-ca-file FILE/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "Hostname/IP does not match certificate's altnames: DNS:db", /for another name/],
    ["CERT_HAS_EXPIRED", "certificate has expired", /must be renewed on the server/],
    [
      "28000",
      'no pg_hba.conf entry for host "::1", no encryption',
      /pg_hba\.conf, or encrypt with "\?sslmode=verify-full"/,
    ],
  ];
  for (const [code, message, expected] of reasons) {
    assert.match(connectError(access.address, Object.assign(new Error(message), { code })).message, expected);
  }
});
