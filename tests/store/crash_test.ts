import assert from "node:assert/strict";
import type { Message } from "../../src/core/messages/message.ts";
import type { MessageStore } from "../../src/core/messages/message_store.ts";
import { lockFolder } from "../../src/store/folder_lock.ts";
import { openStore } from "../../src/store/open_store.ts";
import { Database } from "../../src/store/sqlite/database.ts";
import { MessageFinder } from "../../src/store/sqlite/search/message_finder.ts";
import { SearchIndex } from "../../src/store/sqlite/search/search_index.ts";
import { ScriptProcess } from "../support/processes/script_process.ts";
import { accept, directAppend } from "../support/servers/stored_messages.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const writer = new URL("./endless_writer.ts", import.meta.url);

async function readAll(store: MessageStore, user: string): Promise<Message[]> {
  const all: Message[] = [];
  let position = 0;
  while (position < store.head) {
    const { messages, through } = await store.messagesAfter(user, position, { limit: 500, maxBytes: 1_000_000 });
    all.push(...messages);
    position = through;
  }
  return all;
}

function summarize({ position, conversation, seq, id, sender }: Message): string {
  return `${position} ${conversation} ${seq} ${id} ${sender}`;
}

/** Checks that the index is consistent, and that indexing it completely succeeds. */
function checkIndex(folder: string, log: readonly Message[]): void {
  using database = Database.open(folder);
  const index = new SearchIndex(database);
  const head = log.at(-1)!.position;
  assert.ok(index.position <= head);
  database.prepare("INSERT INTO search_index (search_index) VALUES ('integrity-check')").run();
  while (index.takeTurn({ head, turnMs: 1_000, maxEntries: 1_000 }));
  const finder = new MessageFinder(database);
  for (const user of ["ana", "ben", "cleo"]) {
    const { positions } = finder.find({
      user,
      terms: [],
      excluded: [],
      sender: user,
      beforePosition: 0,
      limit: log.length,
    });
    const sent = log.filter(({ sender }) => sender === user).map(({ position }) => position);
    assert.deepEqual(positions, sent.reverse());
  }
}

Deno.test("all accepted entries exist after each of several kills, and numbering continues", async () => {
  using folder = temporaryFolder();
  const accepted: string[] = [];
  for (let round = 0; round < 4; round++) {
    const process = new ScriptProcess(writer, folder.path);
    const due = accepted.length + 200 + 77 * round;
    while (accepted.length < due) {
      const line = await process.nextLine();
      assert.ok(line !== undefined, "the writer ended by itself");
      accepted.push(line);
    }
    accepted.push(...await process.kill());

    using _lock = lockFolder(folder.path);
    using store = openStore({ folder: folder.path });
    const stored = new Map<number, Message>();
    for (const user of ["ana", "ben", "cleo"]) {
      for (const message of await readAll(store.messages, user)) stored.set(message.position, message);
    }
    const log = [...stored.values()].sort((one, other) => one.position - other.position);
    const lines = new Set(log.map(summarize));
    assert.deepEqual(accepted.filter((line) => !lines.has(line)), []);
    const heads = new Map<string, number>();
    for (const { conversation, seq } of log) {
      assert.equal(seq, (heads.get(conversation) ?? 0) + 1);
      heads.set(conversation, seq);
    }
    assert.equal(store.messages.head, log.at(-1)!.position);
    const next = await accept(store.messages, directAppend("ana", "ben"));
    assert.equal(next.seq, (heads.get("ana:ben") ?? 0) + 1);
    accepted.push(summarize(next));
    store.close();
    checkIndex(folder.path, [...log, next]);
  }
});
