import assert from "node:assert/strict";
import type { Append, Change, ChangeResult } from "../../../../src/core/messages/message_store.ts";
import { Connection } from "../../../../src/store/postgres/connection/connection.ts";
import { Database, type DatabaseOptions } from "../../../../src/store/postgres/connection/database.ts";
import { sqlState } from "../../../../src/store/postgres/connection/postgres_error.ts";
import { Committer } from "../../../../src/store/postgres/log/committer.ts";
import { encodeChanges } from "../../../../src/store/postgres/log/commit_encoding.ts";
import { Heads } from "../../../../src/store/postgres/log/heads.ts";
import { decodeText } from "../../../../src/store/shared/column_values.ts";
import { rejectsWith } from "../../../support/checks/chat_error_assertions.ts";
import { leaseEmptySchema } from "../../../support/databases/postgres_store.ts";
import { acceptedMessage, directAppend, entryAppend } from "../../../support/servers/stored_messages.ts";
import { eventually } from "../../../support/waiting/eventually.ts";

const addUsers = `INSERT INTO "user" (name, password_hash, disabled, created_at)
  SELECT name, '', 0, 0 FROM unnest('{ana,ben,cleo}'::text[]) name`;
const room = "+" + "o".repeat(26);
const unknownSender = directAppend("zoe", "ana");
const commit = "SELECT result FROM commit_1($1, $2, $3, false)";

function parametersOf(made: readonly Change[]): [string, readonly number[], Uint8Array] {
  const { changes, sizes, texts } = encodeChanges(made);
  return [changes, sizes, texts];
}

function kinds(results: readonly ChangeResult[]): string[] {
  return results.map(({ kind }) => kind);
}

interface Opened extends AsyncDisposable {
  readonly database: Database;
  readonly committer: Committer;
}

async function openCommitter(options: DatabaseOptions): Promise<Opened> {
  const database = await Database.open(options);
  const heads = await Heads.open(database);
  return {
    database,
    committer: new Committer(database, { heads }),
    async [Symbol.asyncDispose]() {
      await heads.close();
      await database.close();
    },
  };
}

/** Runs a test on an empty log with the users ana, ben and cleo. */
function test(behaviour: string, run: (opened: Opened, options: DatabaseOptions) => Promise<void>): void {
  Deno.test(behaviour, async () => {
    const options = await leaseEmptySchema();
    await using opened = await openCommitter(options);
    await opened.database.write(addUsers);
    await run(opened, options);
  });
}

test("two connections that commit at once give positions and seqs without a gap", async ({ committer }, options) => {
  await using other = await openCommitter(options);
  const commits = Array.from({ length: 60 }, (_, index) => {
    const appends = Array.from({ length: 1 + index % 3 }, () => directAppend("ana", index % 2 === 0 ? "ben" : "cleo"));
    return (index % 4 < 2 ? committer : other.committer).commit(appends);
  });
  const messages = (await Promise.all(commits)).flat().map(acceptedMessage)
    .toSorted((one, another) => one.position - another.position);
  assert.deepEqual(messages.map(({ position }) => position), messages.map((_, index) => index + 1));
  for (const conversation of ["ana:ben", "ana:cleo"]) {
    const seqs = messages.filter((message) => message.conversation === conversation).map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  }
});

for (const level of ["REPEATABLE READ", "SERIALIZABLE"]) {
  test(`a commit at ${level} is refused, because it would not see the head`, async (_, { access, generation }) => {
    await using connection = await Connection.open(access, { name: "test", generation });
    await connection.execute(`SET default_transaction_isolation = '${level}'`);
    const refused = connection.query(commit, parametersOf([directAppend("ana", "ben")]));
    await assert.rejects(refused, (error) => sqlState(error) === "CH000");
    assert.deepEqual(await connection.query("SELECT 1 FROM entry"), []);
  });
}

test("a NUL in a text, a topic and an emoji is stored", async ({ committer, database }) => {
  const created = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  const results = await committer.commit([
    directAppend("ana", "ben", { text: "a\0b" }),
    entryAppend("ana:ben", "ben", { event: { kind: "reacted", target: 1, emoji: "\0", removed: false } }),
    entryAppend("ana:ben", "ana", { event: { kind: "edited", target: 1 }, text: "\0é\0" }),
    entryAppend(room, "ana", { event: created, text: "ops" }),
    entryAppend(room, "ana", { event: { kind: "topic_changed" }, text: "\0topic" }),
  ]);
  assert.deepEqual(kinds(results), Array(5).fill("accepted"));
  const texts = await database.read<{ text: Uint8Array }>(
    `SELECT text FROM entry WHERE kind = 0 UNION ALL SELECT emoji FROM reaction UNION ALL SELECT topic FROM room`,
  );
  assert.deepEqual(texts.map(({ text }) => decodeText(text)), ["\0é\0", "\0", "\0topic"]);
});

test("a name with a NUL or half a character fails alone", async ({ committer }) => {
  const results = await committer.commit([
    directAppend("ana", "ben"),
    { ...directAppend("ana", "ben"), sender: "ana\0" },
    { ...directAppend("ana", "ben"), conversation: "ana:\ud800" },
    { kind: "move_cursor", deviceId: "d1", consumer: "\0", position: 0 },
    directAppend("ana", "ben"),
  ]);
  assert.deepEqual(kinds(results), ["accepted", "failed", "failed", "failed", "accepted"]);
});

test("messages, answers and reactions update no row and remove none", async ({ committer }, { access, generation }) => {
  const message = () => ({ ...directAppend("ana", "ben", { text: "@ben" }), mentions: ["ben"] });
  await committer.commit([message()]);
  await using connection = await Connection.open(access, { name: "test", generation });
  await connection.execute("BEGIN");
  const reaction = { kind: "reacted", target: 1, emoji: "👍", removed: false } as const;
  await connection.query(
    commit,
    parametersOf([message(), { ...message(), replyTo: 1 }, directAppend("ana", "cleo"), {
      ...directAppend("ana", "ben"),
      event: reaction,
    }]),
  );
  const written = await connection.query(
    `SELECT sum(n_tup_ins)::int AS inserted, sum(n_tup_upd)::int AS updated, sum(n_tup_del)::int AS deleted
     FROM pg_stat_xact_user_tables WHERE schemaname = current_schema()`,
  );
  // Four entries, two mentions, a reaction, and a conversation with two members and their spans.
  assert.deepEqual(written, [{ inserted: 12, updated: 0, deleted: 0 }]);
  await connection.execute("COMMIT");
});

test("commits keep their order although a change of one fails", async ({ committer }) => {
  const ofFirst = () => directAppend("ana", "ben", { text: "first" });
  const calls = [
    committer.commit([ofFirst(), unknownSender, ofFirst()]),
    committer.commit([directAppend("ana", "ben", { text: "second" })]),
  ];
  const [first, second] = await Promise.all(calls);
  assert.deepEqual(kinds(first), ["accepted", "failed", "accepted"]);
  assert.deepEqual([first[0], first[2], second[0]].map((result) => acceptedMessage(result).seq), [1, 2, 3]);
});

test("a full disk fails a whole commit, also one that has a change that fails", async ({ committer, database }) => {
  await database.write(
    `CREATE FUNCTION fill_disk() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`,
  );
  try {
    await database.write(
      "CREATE TRIGGER full_disk BEFORE INSERT ON entry FOR EACH ROW WHEN (NEW.text = 'big') EXECUTE FUNCTION fill_disk()",
    );
    const big = directAppend("ana", "ben", { text: "big" });
    for (const changes of [[directAppend("ana", "ben"), big], [unknownSender, directAppend("ana", "ben"), big]]) {
      await assert.rejects(committer.commit(changes), { name: "ChatError", code: "storage_full" });
    }
    assert.deepEqual(await database.read("SELECT 1 FROM entry"), []);
  } finally {
    await database.write("DROP FUNCTION fill_disk CASCADE");
  }
  const [result] = await committer.commit([directAppend("ana", "ben")]);
  assert.equal(acceptedMessage(result).position, 1);
});

test("a node that lost its lease commits nothing", async ({ committer }, options) => {
  // The first refusal is the end of a database, so each commit has its own.
  await using other = await openCommitter(options);
  await using connection = await Connection.open(options.access, { name: "test" });
  await connection.execute("UPDATE lease SET until = '-infinity', generation = generation + 1");
  await rejectsWith("unavailable", committer.commit([directAppend("ana", "ben")]));
  await rejectsWith("unavailable", other.committer.commit([unknownSender, directAppend("ana", "ben")]));
  assert.deepEqual(await connection.query("SELECT 1 FROM entry"), []);
});

test("an id stays used after its entry was removed", async ({ committer, database }) => {
  const append = directAppend("ana", "ben", { acceptedAt: 7 });
  const { position, conversation, seq, acceptedAt } = acceptedMessage((await committer.commit([append]))[0]);
  await database.transaction(async ({ query }) => {
    await query(`INSERT INTO spent_id (id, sender, position, conversation, seq, accepted_at)
      SELECT id, sender, position, conversation, seq, accepted_at FROM entry`);
    await query("UPDATE conversation SET kept_seq = 1, kept_position = 1");
    await query("UPDATE log SET kept_position = 1");
    await query("DELETE FROM entry");
  });
  const elsewhere: Append = { ...directAppend("ana", "cleo"), id: append.id };
  const results = await committer.commit([append, elsewhere, directAppend("ana", "ben")]);
  const duplicate = { kind: "duplicate", accepted: { position, conversation, seq, acceptedAt } };
  assert.deepEqual(results.slice(0, 2), [duplicate, { kind: "conflict" }]);
  const next = acceptedMessage(results[2]);
  assert.deepEqual([next.position, next.seq], [2, 2]);
});

test("a file that goes away during its commit is an upload that is gone", async ({ committer, database }, options) => {
  const append = { ...directAppend("ana", "ben"), uploadId: crypto.randomUUID() };
  await database.write(
    `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete)
     VALUES (1, $1, 'a.txt', 'text/plain', 1, decode(repeat('00', 32), 'hex'), 0, 1)`,
    [append.uploadId],
  );
  await using connection = await Connection.open(options.access, { name: "test", generation: options.generation });
  await connection.execute("BEGIN");
  await connection.execute("DELETE FROM file");
  const committing = committer.commit([append]);
  const blocked = "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))";
  await eventually(async () => (await connection.query(blocked)).length > 0);
  await connection.execute("COMMIT");
  const [result] = await committing;
  assert.equal(result.kind, "upload_gone");
  assert.deepEqual(await database.read("SELECT 1 FROM entry UNION ALL SELECT 1 FROM conversation"), []);
});
