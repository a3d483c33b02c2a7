import assert from "node:assert/strict";
import { hash } from "node:crypto";
import fc from "fast-check";
import type { LogEvent } from "../../../../src/core/messages/log_event.ts";
import { directConversation, directMembers } from "../../../../src/core/messages/message.ts";
import { createMessageId } from "../../../../src/core/messages/message_id.ts";
import type { Append, Change, ChangeResult } from "../../../../src/core/messages/message_store.ts";
import { isRoomId, memberRoles } from "../../../../src/core/rooms/room.ts";
import { Committer } from "../../../../src/store/postgres/log/committer.ts";
import { Heads } from "../../../../src/store/postgres/log/heads.ts";
import type { Database } from "../../../../src/store/postgres/connection/database.ts";
import { Database as SqliteDatabase } from "../../../../src/store/sqlite/database.ts";
import { SqliteMessageStore } from "../../../../src/store/sqlite/log/sqlite_message_store.ts";
import { propertyLimits } from "../../../support/checks/property_limits.ts";
import { openEmptyDatabase } from "../../../support/databases/postgres_store.ts";

const users = ["ana", "ben", "cleo", "dan"];
const unknownUser = "zoe";
const rooms = ["+" + "a".repeat(26), "+" + "b".repeat(26)];
const emoji = ["👍", "🎉", "😀"];
const uploads = Array.from({ length: 4 }, (_, index) => createMessageId(1_700_000_000_000 + index));

/** Actions that only rooms have. */
const ofRooms = "create join leave invite remove ban unban promote topic change".split(" ");

const step = fc.record({
  action: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("say", "say", "answer", "upload", "automatic", "mention", "mention_all") },
    { weight: 4, arbitrary: fc.constantFrom("create", "join", "join") },
    {
      weight: 6,
      arbitrary: fc.constantFrom("leave", "invite", "remove", "ban", "unban", "promote", "topic", "change"),
    },
    { weight: 8, arbitrary: fc.constantFrom("edit", "edit_naming", "edit_naming_all", "delete") },
    { weight: 6, arbitrary: fc.constantFrom("react", "unreact", "pin", "unpin") },
    { weight: 4, arbitrary: fc.constantFrom("read", "read_own", "cursor") },
    { weight: 3, arbitrary: fc.constantFrom("again", "again_otherwise", "refused") },
  ),
  user: fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...users) }, {
    weight: 1,
    arbitrary: fc.constant(unknownUser),
  }),
  other: fc.constantFrom(...users),
  third: fc.constantFrom(...users),
  room: fc.option(fc.constantFrom(rooms[0], rooms[0], rooms[1])),
  number: fc.nat({ max: 20 }),
  flag: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const batches = fc.array(fc.array(step, { minLength: 1, maxLength: 40, size: "max" }), {
  minLength: 1,
  maxLength: 12,
  size: "max",
});

/** The steps of each run's first batch. */
const beginning = ([["create", "ana"], ["join", "ben"], ["join", "cleo"], ["say", "ana"], ["mention", "ben"]] as const)
  .map(
    ([action, user]): Step => ({ action, user, other: "ben", third: "cleo", room: rooms[0], number: 0, flag: true }),
  );

/** Makes changes of steps without regard for what is permitted or possible. */
class Changes {
  readonly #appends: Append[] = [];
  /** The seqs of messages, by conversation. */
  readonly #messages = new Map<string, number[]>();

  /** Records what became of changes, so that later ones find it. */
  add(results: readonly ChangeResult[]): void {
    for (const result of results) {
      if (result.kind !== "accepted" || result.message.event !== undefined) continue;
      const { conversation, seq } = result.message;
      this.#messages.set(conversation, [...this.#messages.get(conversation) ?? [], seq]);
    }
  }

  of(step: Step): Change {
    const { action, user, other, room, number, flag } = step;
    const conversation = room ?? (ofRooms.includes(action) ? rooms[0] : directConversation(user, other));
    switch (action) {
      case "read":
      case "read_own":
        return { kind: "move_read", conversation, user, seq: number, ownOnly: action === "read_own" };
      case "cursor":
        return { kind: "move_cursor", deviceId: flag ? "d1" : "unknown", consumer: "ui", position: number * 3 };
      case "again":
      case "again_otherwise":
      case "refused": {
        const before = this.#appends.at(-1 - number);
        if (before === undefined) break;
        if (action === "again_otherwise") return { ...before, ...different(step, before) };
        return { ...before, ...(action === "refused" && { refused: true }) };
      }
    }
    const append = this.#append(step, conversation);
    this.#appends.push(append);
    return append;
  }

  /** Returns the seq of one of the last messages, or sometimes of another entry. */
  #targetOf({ number }: Step, conversation: string): number {
    return (number === 0 ? undefined : this.#messages.get(conversation)?.at(-1 - number % 4)) ?? number;
  }

  #append(step: Step, conversation: string): Append {
    const { action, user, number } = step;
    return {
      kind: "append",
      conversation,
      members: isRoomId(conversation) ? [] : directMembers(conversation),
      id: createMessageId(1_700_000_000_000 + this.#appends.length),
      sender: user,
      acceptedAt: 1_000 + this.#appends.length,
      text: `text\0 of ${number}`,
      ...(action === "answer" && { replyTo: number }),
      ...(action === "automatic" && { automatic: true }),
      ...(action === "upload" && { uploadId: uploads[number % uploads.length] }),
      ...eventOf(step, this.#targetOf(step, conversation)),
      ...namingOf(step),
    };
  }
}

function different({ number, flag }: Step, { event, text, conversation }: Append): Partial<Append> {
  switch (number % 5) {
    case 0:
      return { text: `${text}!` };
    case 1:
      return { conversation: conversation === "ana:ben" ? "ana:cleo" : "ana:ben", members: [] };
    case 2:
      return event === undefined ? { replyTo: 2 } : { event: undefined };
    case 3:
      return { automatic: flag };
    default:
      return { uploadId: uploads[0] };
  }
}

function namingOf({ action, other, third, flag }: Step): Partial<Append> {
  switch (action) {
    case "mention":
    case "edit_naming":
      return { mentions: flag ? [other, third] : [other] };
    case "mention_all":
    case "edit_naming_all":
      return flag
        ? { audience: "room", mentions: [other] }
        : { audience: "here", here: [other, third], mentions: [other] };
    default:
      return {};
  }
}

function eventOf({ action, other, number, flag }: Step, target: number): { event?: LogEvent; text?: string } {
  const settings = { isPublic: flag, historyVisible: number % 2 === 0 };
  switch (action) {
    case "create":
      return { event: { kind: "room_created", ...settings }, text: number < 15 ? "ops" : "web" };
    case "join":
      return { event: { kind: "joined" }, text: "" };
    case "leave":
      return { event: { kind: "left" }, text: "" };
    case "invite":
      return { event: { kind: "invited", user: other }, text: "" };
    case "remove":
    case "ban":
      return { event: { kind: "removed", user: other, banned: action === "ban" }, text: "" };
    case "unban":
      return { event: { kind: "unbanned", user: other }, text: "" };
    case "promote":
      return { event: { kind: "role_changed", user: other, role: memberRoles[number % 3] }, text: "" };
    case "topic":
      return { event: { kind: "topic_changed" } };
    case "change": {
      const mentionAll = memberRoles[number % 3];
      return { event: { kind: "room_changed", ...settings, mentionAll, byOperator: number > 10 }, text: "ops" };
    }
    case "edit":
    case "edit_naming":
    case "edit_naming_all":
      return { event: { kind: "edited", target } };
    case "delete":
      return { event: { kind: "deleted", target }, text: "" };
    case "react":
    case "unreact":
      return { event: { kind: "reacted", target, emoji: emoji[number % 3], removed: action === "unreact" }, text: "" };
    case "pin":
    case "unpin":
      return { event: { kind: "pinned", target, removed: action === "unpin" }, text: "" };
    default:
      return {};
  }
}

/** Columns of tables that a commit writes; SQL of both databases. Keys of conversations differ, so their names are read. */
const tables: Readonly<Record<string, readonly string[]>> = {
  entry: [
    ..."position seq sender accepted_at text kind target subject uncounted".split(" "),
    ..."edited_at edited_seq deleted file automatic audience".split(" "),
  ],
  member: ["t.user AS who", ..."room role inviter invited_position left_name read_seq read_uncounted".split(" ")],
  span: ["t.user AS who", "first_seq", "last_seq", "last_position", "room"],
  room: "name topic public history_visible mention_all creator created_at members".split(" "),
  mention: ["t.user AS who", "seq", "message", "here"],
  room_mention: ["seq", "message"],
  reaction: ["t.user AS who", "seq", "emoji", "position"],
  pin: ["seq", "position"],
};
const otherRows = {
  conversation: "SELECT name FROM conversation",
  consumer: "SELECT device, name, position FROM consumer",
  file: "SELECT owner, name, position FROM file",
};

function selectRows(): string[] {
  const named = Object.entries(tables).map(([table, columns]) =>
    `SELECT (SELECT c.name FROM conversation c WHERE c.id = t.conversation) AS place, ${columns} FROM ${table} t`
  );
  return [...named, ...Object.values(otherRows)];
}

function comparable(rows: readonly unknown[]): string[] {
  return rows.map((row) =>
    JSON.stringify(row, (_key, value) => {
      const bytes = value?.type === "Buffer" ? Uint8Array.from(value.data) : value;
      return bytes instanceof Uint8Array ? bytes.toHex() : bytes;
    })
  ).sort();
}

/** A result, without the cause of a failure, which is an error of the database. */
function comparableResult(result: ChangeResult): unknown {
  return result.kind === "failed"
    ? { kind: "failed", code: (result.cause as { code?: string }).code === "not_found" }
    : result;
}

/** SQL of users, their device and uploads, of which one is not complete. */
function setUp({ bytes, id }: { bytes(hex: string): string; id(hex: string): string }): string[] {
  const sha256 = bytes(hash("sha256", "content"));
  return [
    ...users.map((name) =>
      `INSERT INTO "user" (name, password_hash, disabled, created_at) VALUES ('${name}', '', 0, 0)`
    ),
    `INSERT INTO device (public_id, "user", name, created_at, last_used_at, expires_at)
     VALUES ('d1', 1, ${bytes("00")}, 0, 0, 0)`,
    ...uploads.map((upload, index) =>
      `INSERT INTO file (owner, id, name, media_type, size, sha256, begun_at, complete)
       VALUES (${1 + index % 2}, ${id(upload.replaceAll("-", ""))}, 'file', 'text/plain', 7, ${sha256}, 0, ${
        index === 3 ? 0 : 1
      })`
    ),
  ];
}

/** Commits the same changes in SQLite, too, and compares the results and all rows. */
async function compare(steps: readonly (readonly Step[])[], postgres: Database): Promise<void> {
  using sqlite = SqliteDatabase.openInMemory();
  for (const row of setUp({ bytes: (hex) => `x'${hex}'`, id: (hex) => `x'${hex}'` })) sqlite.prepare(row).run();
  for (const row of setUp({ bytes: (hex) => `'\\x${hex}'`, id: (hex) => `'${hex}'` })) await postgres.write(row);
  const expected = new SqliteMessageStore(sqlite);
  const heads = await Heads.open(postgres);
  try {
    const committer = new Committer(postgres, { heads });
    const changes = new Changes();
    for (const batch of [beginning, ...steps]) {
      const batched = batch.map((step) => changes.of(step));
      const results = await committer.commit(batched);
      assert.deepEqual(results.map(comparableResult), (await expected.commit(batched)).map(comparableResult));
      changes.add(results);
      assert.equal(heads.head, expected.head);
      for (const select of selectRows()) {
        assert.deepEqual(comparable(await postgres.read(select)), comparable(sqlite.prepare(select).all()), select);
      }
    }
  } finally {
    await heads.close();
  }
}

Deno.test("any changes have the same results and leave the same rows as in SQLite", async () => {
  await fc.assert(
    fc.asyncProperty(batches, async (steps) => {
      await using database = await openEmptyDatabase();
      await compare(steps, database);
    }),
    { ...propertyLimits, numRuns: 15 },
  );
});
