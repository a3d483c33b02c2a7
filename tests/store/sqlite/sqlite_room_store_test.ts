import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../../../src/core/log.ts";
import { Erasure } from "../../../src/core/messages/erasure.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { openStore, type SqliteStore } from "../../../src/store/open_store.ts";
import { roomStoreContract } from "../../contract/room_store.ts";
import { accept, directAppend, userRecord } from "../../support/servers/stored_messages.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { openTemporaryStore } from "../../support/servers/temporary_store.ts";

roomStoreContract("sqlite, no heads written", openTemporaryStore);
roomStoreContract("sqlite, all heads written", () => openTemporaryStore({ writesHeads: true }));

const room = "+" + "a".repeat(26);

/** A room of ana with messages, which are the newest entries of the store. */
async function fill({ accounts, messages }: SqliteStore): Promise<void> {
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  await accept(messages, directAppend("ana", "ben"));
  const entry = { kind: "append", conversation: room, members: [], sender: "ana", acceptedAt: 1 } as const;
  const event = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  await accept(messages, { ...entry, id: createMessageId(), text: "ops", event });
  for (const text of ["1", "2", "3"]) await accept(messages, { ...entry, id: createMessageId(), text });
}

function count(folder: string, table: string): number {
  const connection = new DatabaseSync(`${folder}/chatd.sqlite`);
  const { rows } = connection.prepare(`SELECT count(*) AS rows FROM ${table}`).get() as { rows: number };
  connection.close();
  return rows;
}

Deno.test("positions continue after a room with the newest entries was deleted", async () => {
  using folder = temporaryFolder();
  const before = openStore({ folder: folder.path });
  await fill(before);
  const { head } = before.messages;
  await before.rooms.deleteRoom(room);
  before.close();
  using after = openStore({ folder: folder.path });
  assert.equal(after.messages.head, head);
  assert.equal((await accept(after.messages, directAppend("ana", "ben"))).position, head + 1);
});

Deno.test("the next server erases a room whose erasure a crash interrupted", async () => {
  using folder = temporaryFolder();
  const before = openStore({ folder: folder.path });
  await fill(before);
  before.close();
  const connection = new DatabaseSync(`${folder.path}/chatd.sqlite`);
  connection.exec("DELETE FROM room; DELETE FROM member WHERE room = 1; DELETE FROM span WHERE room = 1");
  connection.close();
  assert.equal(count(folder.path, "entry"), 5);
  using after = openStore({ folder: folder.path });
  const erasure = new Erasure({ store: after.erasure, rooms: after.rooms, log: silentLog, onErased: () => {} });
  await erasure.run();
  await erasure.close();
  assert.equal(count(folder.path, "entry"), 1);
});
