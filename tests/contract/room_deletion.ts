import assert from "node:assert/strict";
import { silentLog } from "../../src/core/log.ts";
import { Erasure } from "../../src/core/messages/erasure.ts";
import type { RemovalStores } from "../support/databases/removal_stores.ts";
import { accept, directAppend, entryAppend, userRecord } from "../support/servers/stored_messages.ts";

const room = "+" + "a".repeat(26);
/** More than leave with the room. */
const messagesInRoom = 30;

/** A room of ana with messages, which are the newest entries of the store. */
async function fill({ accounts, messages }: RemovalStores): Promise<void> {
  for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
  await accept(messages, directAppend("ana", "ben"));
  const event = { kind: "room_created", isPublic: true, historyVisible: true } as const;
  await accept(messages, entryAppend(room, "ana", { text: "ops", event }));
  for (let number = 1; number <= messagesInRoom; number++) {
    await accept(messages, entryAppend(room, "ana", { text: String(number) }));
  }
}

async function sentByAna({ messages }: RemovalStores): Promise<number> {
  return (await messages.sentBy("ana", { beforeId: "", limit: 100, maxBytes: 1_000_000 })).messages.length;
}

async function eraseAll({ erasure: store, rooms }: RemovalStores): Promise<void> {
  const erasure = new Erasure({ store, rooms, log: silentLog, onErased: () => {} });
  await erasure.run();
  await erasure.close();
}

/** What the deletion of a room leaves to the next server. `open` gives empty stores, which the suite closes. */
export function roomDeletionContract(name: string, open: () => Promise<RemovalStores>): void {
  function test(behaviour: string, run: (opened: RemovalStores) => Promise<void>): void {
    Deno.test(`${name}: ${behaviour}`, async () => {
      await using opened = await open();
      await run(opened);
    });
  }

  test("positions continue after a room with the newest entries was deleted", async (opened) => {
    await fill(opened);
    const { head } = opened.messages;
    await opened.rooms.deleteRoom(room);
    await eraseAll(opened);
    await using next = await opened.reopen();
    assert.equal(next.messages.head, head);
    const { position, seq } = await accept(next.messages, directAppend("ana", "ben"));
    assert.deepEqual([position, seq], [head + 1, 2]);
  });

  test("positions continue after older entries than those of a deleted room were removed", async (opened) => {
    await fill(opened);
    const { head } = opened.messages;
    await opened.rooms.deleteRoom(room);
    await eraseAll(opened);
    await opened.retention.setRule({ conversation: undefined, maxAgeMs: undefined, maxEntries: 0 });
    const { due } = await opened.retention.findDue(0, 2_000_000_000_000);
    for (const conversation of due) {
      await opened.retention.removeDue(conversation, { now: 2_000_000_000_000, limit: 100 });
    }
    assert.equal(await sentByAna(opened), 0);
    await using next = await opened.reopen();
    assert.equal(next.messages.head, head);
    const { position, seq } = await accept(next.messages, directAppend("ana", "ben"));
    assert.deepEqual([position, seq], [head + 1, 2]);
  });

  test("the next server erases a room whose erasure a crash interrupted", async (opened) => {
    await fill(opened);
    await opened.rooms.deleteRoom(room);
    assert.equal(await opened.rooms.eraseDeleted(3), 3);
    await using next = await opened.reopen();
    assert.ok(await sentByAna(next) < messagesInRoom);
    await eraseAll(next);
    assert.equal(await next.rooms.eraseDeleted(1), 0);
    assert.equal(await sentByAna(next), 1);
  });
}
