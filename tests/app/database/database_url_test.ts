import assert from "node:assert/strict";
import { formatDatabaseUrl, parseDatabaseUrl } from "../../../src/app/database/database_url.ts";
import { showDatabase } from "../../../src/store/postgres/connection/database_address.ts";

function reasonOf(url: string): string {
  try {
    parseDatabaseUrl(url);
  } catch (error) {
    assert.ok(error instanceof SyntaxError);
    return error.message;
  }
  assert.fail(`${url} was accepted`);
}

Deno.test("a URL names the user, the hosts in their order, the database and how to encrypt", () => {
  const { address, password } = parseDatabaseUrl("postgres://chatd@db1,db2:5433/chat?sslmode=require&schema=chat_2");
  assert.deepEqual(address, {
    hosts: [{ host: "db1", port: 5432 }, { host: "db2", port: 5433 }],
    user: "chatd",
    database: "chat",
    sslMode: "require",
    schema: "chat_2",
  });
  assert.equal(password, undefined);
  assert.equal(showDatabase(address), "db1:5432,db2:5433/chat?schema=chat_2");
});

Deno.test("formatDatabaseUrl() writes a URL of the same address, without the password", () => {
  for (
    const url of [
      "postgres://ana%40home:p%3Aw@db1,[::1]:5433/chat%2Froom?sslmode=require&schema=chat_2",
      "postgres://chatd@127.0.0.1/chatd",
    ]
  ) {
    const { address } = parseDatabaseUrl(url);
    assert.deepEqual(parseDatabaseUrl(formatDatabaseUrl(address)), { address, password: undefined });
  }
});

Deno.test("the database is the user's unless named, the schema chatd, and certificates are verified", () => {
  const { address } = parseDatabaseUrl("postgresql://ana@db.example.com");
  assert.deepEqual([address.database, address.schema, address.sslMode], ["ana", "chatd", "verify-full"]);
  assert.equal(showDatabase(address), "db.example.com:5432/ana");
});

Deno.test("a connection that does not leave the machine needs no encryption", () => {
  for (const host of ["127.0.0.1", "localhost", "[::1]:5433"]) {
    assert.equal(parseDatabaseUrl(`postgres://chatd@${host}/chatd`).address.sslMode, "disable", host);
  }
  assert.equal(parseDatabaseUrl("postgres://chatd@127.0.0.1,db2/chatd").address.sslMode, "verify-full");
});

Deno.test("a password may contain any character that is percent-encoded", () => {
  assert.equal(parseDatabaseUrl("postgres://chatd:p%40ss%2Fw%3Ford:@db/chatd").password, "p@ss/w?ord:");
});

Deno.test("a wrong URL is refused with the reason, and without the password that may be in it", () => {
  const wrong: [string, RegExp][] = [
    ["mysql://chatd@db/chatd", /must look like "postgres:/],
    ["postgres://db/chatd", /names no user/],
    ["postgres://chatd@/chatd", /names no host/],
    ["postgres://chatd@db:0/chatd", /a host may only be followed by a colon and a port/],
    ["postgres://chatd@db:65536/chatd", /a host may only be followed by a colon and a port/],
    ["postgres://chatd@db/chatd?sslmode=prefer", /sslmode=prefer is not offered/],
    ["postgres://chatd@db/chatd?application_name=x", /the parameter "application_name"/],
    ["postgres://chatd@db/chatd?schema=Chat", /no name of a schema/],
    ["postgres://chatd@db/chatd?schema=pg_chatd", /PostgreSQL keeps "pg_chatd" for itself/],
    ["postgres://chatd@%2Fvar%2Frun%2Fpostgresql/chatd", /not over a Unix socket: name a host/],
    ["postgres://chatd:100%secret@db/chatd", /a % that does not begin %XX/],
    ["postgres://chatd:secret@secret@db/chatd", /%XX for special characters in a password/],
    ["postgres://chatd:secret/secret@db/chatd", /%XX for special characters in a password/],
    ["postgres://chatd:secret?secret@db/chatd", /%XX for special characters in a password/],
  ];
  for (const [url, expected] of wrong) {
    const reason = reasonOf(url);
    assert.match(reason, expected);
    assert.doesNotMatch(reason, /secret/);
  }
});
