import assert from "node:assert/strict";
import type { LogEvent } from "../../src/core/messages/log_event.ts";
import type { Message } from "../../src/core/messages/message.ts";
import type { ChangeResult, MessageStore, MoveRead } from "../../src/core/messages/message_store.ts";
import { defaultSettings } from "../../src/core/people/settings_store.ts";
import {
  accept,
  acceptedMessage,
  deviceRecord,
  directAppend,
  entryAppend,
  userRecord,
  wholeLog,
} from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";
import type { OpenedStores } from "./message_store_rooms.ts";

const unlimited = { limit: 1_000, maxBytes: 1_000_000 };
const talk = "ana:ben";

function edit(sender: string, target: number, text: string) {
  return entryAppend(talk, sender, { event: { kind: "edited", target }, text, acceptedAt: 9_000 });
}

function erase(sender: string, target: number) {
  return entryAppend(talk, sender, { event: { kind: "deleted", target } });
}

function react(sender: string, target: number, emoji: string, removed = false) {
  return entryAppend(talk, sender, { event: { kind: "reacted", target, emoji, removed } });
}

function read(user: string, seq: number, rest: Partial<MoveRead> = {}): MoveRead {
  return { kind: "move_read", conversation: talk, user, seq, ...rest };
}

function kinds(results: readonly ChangeResult[]): string[] {
  return results.map(({ kind }) => kind);
}

async function pageOf(store: MessageStore, user: string, events = false): Promise<readonly Message[]> {
  return (await store.history(user, talk, { ...wholeLog, ...unlimited, events }))!.messages;
}

async function unreadOf(store: MessageStore, user: string): Promise<number[]> {
  const { unread, mentions, readSeq } = (await store.conversationOf(user, talk))!;
  return [unread, mentions, readSeq];
}

/** What every message store keeps to when messages are edited, erased, reacted to and read. `open` as elsewhere. */
export function messageStoreChanges(name: string, open: () => OpenedStores | Promise<OpenedStores>): void {
  const test = contractTests(name, {
    open,
    async prepare({ messages, accounts }) {
      for (const user of ["ana", "ben", "cleo"]) await accounts.addUser(userRecord(user));
      await accounts.saveDevice(deviceRecord("d1", "ben"));
      return messages;
    },
  });

  test("an edit replaces the text wherever the message is read", async (store) => {
    const sent = await accept(store, directAppend("ana", "ben", { text: "teh" }));
    const edited = await accept(store, edit("ana", 1, "the"));
    assert.deepEqual([edited.text, edited.seq, edited.ordinal, edited.event], ["the", 2, 1, {
      kind: "edited",
      target: 1,
    }]);
    const now = { ...sent, text: "the", editedAt: 9_000 };
    assert.deepEqual((await store.messagesAfter("ben", 0, unlimited)).messages, [now, edited]);
    assert.deepEqual(await pageOf(store, "ben"), [now]);
    assert.deepEqual(await pageOf(store, "ben", true), [now, edited]);
    assert.deepEqual(await store.entry("ben", talk, 1), now);
    assert.deepEqual((await store.sentBy("ana", { beforeId: "", ...unlimited })).messages, [now]);
    assert.deepEqual((await store.conversationOf("ben", talk))?.last, now);
    await accept(store, edit("ana", 1, "thee"));
    assert.deepEqual((await pageOf(store, "ben", true)).map(({ text }) => text), ["thee", "", "thee"]);
    assert.deepEqual(await store.entry("ben", talk, 2), { ...edited, text: "", withheld: true });
  });

  test("an edit that is sent again with another text is a conflict while it is the newest", async (store) => {
    await accept(store, directAppend("ana", "ben", { text: "teh" }));
    const first = edit("ana", 1, "the");
    assert.deepEqual(kinds(await store.commit([first, first, { ...first, text: "this" }])), [
      "accepted",
      "duplicate",
      "conflict",
    ]);
    assert.equal((await store.entry("ben", talk, 1))?.text, "the");
    const second = edit("ana", 1, "these");
    assert.deepEqual(kinds(await store.commit([second, first, { ...first, text: "this" }])), [
      "accepted",
      "duplicate",
      "duplicate",
    ]);
    assert.deepEqual(kinds(await store.commit([{ ...second, text: "the" }, erase("ana", 1), second])), [
      "conflict",
      "accepted",
      "duplicate",
    ]);
  });

  test("a message that is erased is empty everywhere, and so is what it was edited to", async (store) => {
    const sent = await accept(store, directAppend("ana", "ben", { text: "secret" }));
    await store.commit([edit("ana", 1, "more secret"), react("ben", 1, "👍")]);
    const erased = await accept(store, erase("ben", 1));
    const page = await pageOf(store, "ana", true);
    assert.deepEqual(page[0], { ...sent, text: "", deleted: true });
    assert.deepEqual(page.map(({ text }) => text), ["", "", "", ""]);
    assert.deepEqual(page[3], erased);
    assert.deepEqual((await store.conversationOf("ana", talk))?.last, { ...sent, text: "", deleted: true });
  });

  test("what is about a message that is not there, or is no message, is gone", async (store) => {
    await accept(store, directAppend("ana", "ben"));
    await accept(store, directAppend("ana", "cleo"));
    await accept(store, edit("ana", 1, "edited"));
    const { head } = store;
    const elsewhere = entryAppend("ben:cleo", "ben", { event: { kind: "deleted", target: 1 } });
    const results = await store.commit([
      edit("ben", 1, "not mine"),
      edit("ana", 2, "an edit"),
      edit("ana", 3, "not yet there"),
      react("ana", 2, "👍"),
      erase("ana", 7),
      elsewhere,
    ]);
    assert.deepEqual(kinds(results), ["gone", "gone", "gone", "gone", "gone", "gone"]);
    assert.equal(store.head, head);
    const after = await store.commit([erase("ana", 1), edit("ana", 1, "x"), react("ben", 1, "👍"), erase("ana", 1)]);
    assert.deepEqual(kinds(after), ["accepted", "gone", "gone", "gone"]);
    assert.equal(await store.conversationOf("ben", "ben:cleo"), undefined);
  });

  test("what was sent is known again after it was edited or erased", async (store) => {
    const first = directAppend("ana", "ben", { text: "one" });
    const second = directAppend("ana", "ben", { text: "two" });
    const change = edit("ana", 1, "uno");
    const removal = erase("ana", 2);
    const accepted = (await store.commit([first, second, change, removal])).map(acceptedMessage);
    const again = await store.commit([first, second, change, removal]);
    const places = accepted.map(({ position, conversation, seq, acceptedAt }) => {
      return { kind: "duplicate", accepted: { position, conversation, seq, acceptedAt } };
    });
    assert.deepEqual(again, places);
    const others = await store.commit([
      { ...change, event: { kind: "edited", target: 2 } },
      { ...change, event: { kind: "deleted", target: 1 } },
      { ...removal, event: undefined, text: "two" },
      { ...first, event: { kind: "edited", target: 1 } },
    ]);
    assert.deepEqual(kinds(others), ["conflict", "conflict", "conflict", "conflict"]);
  });

  test("an answer says what it answers, and is another message without it", async (store) => {
    await accept(store, directAppend("ana", "ben"));
    const answer = { ...directAppend("ben", "ana", { text: "yes" }), replyTo: 1 };
    const message = await accept(store, answer);
    assert.equal(message.replyTo, 1);
    assert.deepEqual((await pageOf(store, "ana"))[1], message);
    const again = await store.commit([answer, { ...answer, replyTo: undefined }]);
    assert.deepEqual(kinds(again), ["duplicate", "conflict"]);
  });

  test("what a program answered says so for ever, and is another message without it", async (store) => {
    const answer = { ...directAppend("ana", "ben", { text: "42" }), automatic: true };
    const message = await accept(store, answer);
    assert.equal(message.automatic, true);
    assert.deepEqual(await pageOf(store, "ben"), [message]);
    assert.deepEqual((await store.messagesAfter("ben", 0, { limit: 9, maxBytes: 9_000 })).messages, [message]);
    const again = await store.commit([answer, { ...answer, automatic: undefined }]);
    assert.deepEqual(kinds(again), ["duplicate", "conflict"]);
    assert.equal((await accept(store, directAppend("ana", "ben"))).automatic, undefined);
  });

  test("reactions are folded, in the order in which they came, each person's once", async (store) => {
    await accept(store, directAppend("ana", "ben"));
    await store.commit([react("ben", 1, "🎉"), react("ana", 1, "👍"), react("ben", 1, "👍"), react("ben", 1, "👍")]);
    assert.deepEqual((await pageOf(store, "ana"))[0].reactions, [
      { emoji: "🎉", count: 1, own: false },
      { emoji: "👍", count: 2, own: true },
    ]);
    const withdrawals = [react("ben", 1, "🎉", true), react("ana", 1, "👍", true), react("ana", 1, "😀", true)];
    assert.deepEqual(kinds(await store.commit(withdrawals)), ["accepted", "accepted", "no_reaction"]);
    assert.deepEqual(kinds(await store.commit(withdrawals.slice(0, 2))), ["duplicate", "duplicate"]);
    assert.deepEqual((await pageOf(store, "ana"))[0].reactions, [{ emoji: "👍", count: 1, own: false }]);
    const events = (await pageOf(store, "ben", true)).map(({ event }) => event).slice(1, 2);
    assert.deepEqual(events, [{ kind: "reacted", target: 1, emoji: "🎉", removed: false } satisfies LogEvent]);
    assert.equal((await store.messagesAfter("ana", 0, unlimited)).messages[0].reactions, undefined);
  });

  test("a message takes 20 different emoji, and any number of each", async (store) => {
    await accept(store, directAppend("ana", "ben"));
    const different = Array.from({ length: 21 }, (_, index) => react("ana", 1, String.fromCodePoint(0x1f600 + index)));
    assert.deepEqual(kinds(await store.commit(different)), [...Array(20).fill("accepted"), "too_many"]);
    assert.deepEqual(kinds(await store.commit([react("ben", 1, "\u{1f600}")])), ["accepted"]);
    await store.commit([react("ana", 1, "\u{1f601}", true)]);
    assert.deepEqual(kinds(await store.commit([react("ben", 1, "\u{1f614}")])), ["accepted"]);
  });

  test("what is read moves forward only, and not beyond the newest", async (store) => {
    await store.commit(Array.from({ length: 5 }, () => directAppend("ana", "ben")));
    assert.deepEqual(await unreadOf(store, "ben"), [5, 0, 0]);
    assert.deepEqual(kinds(await store.commit([read("ben", 3), read("ben", 2)])), ["moved", "moved"]);
    assert.deepEqual(await unreadOf(store, "ben"), [2, 0, 3]);
    await store.commit([read("ben", 99), read("cleo", 2), read("nobody-knows", 1)]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 5]);
    await accept(store, directAppend("ana", "ben"));
    assert.deepEqual(await unreadOf(store, "ben"), [1, 0, 5]);
    const unknown = read("ben", 1, { conversation: "ben:cleo" });
    assert.deepEqual(kinds(await store.commit([unknown])), ["moved"]);
  });

  test("neither events nor one's own messages are unread", async (store) => {
    await store.commit([directAppend("ana", "ben"), react("ana", 1, "👍"), directAppend("ben", "ana")]);
    await store.commit([edit("ana", 1, "edited"), directAppend("ben", "ana"), directAppend("ana", "ben")]);
    assert.deepEqual(await unreadOf(store, "ben"), [2, 0, 0]);
    assert.deepEqual(await unreadOf(store, "ana"), [2, 0, 0]);
    await store.commit([read("ben", 1), read("ana", 3)]);
    assert.deepEqual(await unreadOf(store, "ben"), [1, 0, 1]);
    assert.deepEqual(await unreadOf(store, "ana"), [1, 0, 3]);
  });

  test("a great many unread messages are counted, too", async (store) => {
    const many = Array.from({ length: 700 }, () => directAppend("ana", "ben"));
    await store.commit([...many, react("ben", 1, "👍"), read("ben", 50)]);
    assert.deepEqual(await unreadOf(store, "ben"), [650, 0, 50]);
    await store.commit([read("ben", 300)]);
    assert.deepEqual(await unreadOf(store, "ben"), [400, 0, 300]);
  });

  test("many messages of somebody who is blocked are not unread", async (store, { settings }) => {
    await accept(store, directAppend("ana", "ben"));
    await settings.block("ben", "ana", store.head);
    await store.commit(Array.from({ length: 700 }, () => directAppend("ana", "ben")));
    assert.deepEqual(await unreadOf(store, "ben"), [1, 0, 0]);
    const { messages, through } = await store.messagesAfter("ben", 0, unlimited);
    assert.deepEqual([messages.length, through], [1, store.head]);
  });

  test("one's own messages move what is read only over one's own", async (store) => {
    await store.commit([directAppend("ana", "ben"), directAppend("ana", "ben"), read("ana", 2, { ownOnly: true })]);
    assert.deepEqual(await unreadOf(store, "ana"), [0, 0, 2]);
    await store.commit([directAppend("ben", "ana"), directAppend("ana", "ben"), read("ana", 4, { ownOnly: true })]);
    assert.deepEqual(await unreadOf(store, "ana"), [1, 0, 2]);
    await store.commit([read("ana", 3), read("ana", 4, { ownOnly: true })]);
    assert.deepEqual(await unreadOf(store, "ana"), [0, 0, 4]);
  });

  test("mentions that are unread are counted, as the message is now", async (store) => {
    const mention = { ...directAppend("ana", "ben", { text: "@ben" }), mentions: ["ben"] };
    await store.commit([mention, { ...mention, id: directAppend("ana", "ben").id }, directAppend("ana", "ben")]);
    assert.deepEqual(await unreadOf(store, "ben"), [3, 2, 0]);
    await store.commit([edit("ana", 1, "nobody"), { ...edit("ana", 3, "@ben"), mentions: ["ben"] }, erase("ana", 2)]);
    assert.deepEqual(await unreadOf(store, "ben"), [2, 1, 0]);
    await store.commit([read("ben", 6)]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 6]);
  });

  test("an edit that names a user is an unread mention, even of a message that was read", async (store) => {
    const naming = (text: string, mentions?: string[]) => ({ ...edit("ana", 1, text), mentions });
    await store.commit([directAppend("ana", "ben"), read("ben", 1), naming("@ben", ["ben"])]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 1, 1]);
    await store.commit([read("ben", 2), naming("@ben!", ["ben"])]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 2]);
    await store.commit([naming("@cleo"), naming("@ben again", ["ben"])]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 1, 2]);
    await store.commit([naming("none")]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 2]);
    await store.commit([naming("@ben", ["ben"]), erase("ana", 1)]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 2]);
  });

  test("a deleted message is not unread, among few and among many", async (store) => {
    await store.commit([...Array.from({ length: 3 }, () => directAppend("ana", "ben")), erase("ana", 2)]);
    assert.deepEqual(await unreadOf(store, "ben"), [2, 0, 0]);
    await store.commit(Array.from({ length: 700 }, () => directAppend("ana", "ben")));
    await store.commit([erase("ana", 5), erase("ana", 600), read("ben", 3)]);
    assert.deepEqual(await unreadOf(store, "ben"), [698, 0, 3]);
    await store.commit([read("ben", 6)]);
    assert.deepEqual(await unreadOf(store, "ben"), [697, 0, 6]);
  });

  test("one's own message moves the read position over deleted messages, and not over a mention", async (store) => {
    await store.commit([directAppend("ana", "ben"), erase("ana", 1), directAppend("ben", "ana")]);
    await store.commit([read("ben", 3, { ownOnly: true }), directAppend("ana", "ben"), read("ben", 4)]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 4]);
    await store.commit([{ ...edit("ana", 4, "@ben"), mentions: ["ben"] }, directAppend("ben", "ana")]);
    await store.commit([read("ben", 6, { ownOnly: true })]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 1, 4]);
  });

  test("one's own message that names oneself moves the read position", async (store) => {
    await store.commit([{ ...directAppend("ben", "ana", { text: "@ben, remember" }), mentions: ["ben"] }]);
    await store.commit([read("ben", 1, { ownOnly: true })]);
    assert.deepEqual(await unreadOf(store, "ben"), [0, 0, 1]);
  });

  test("a summary says how far the other one is, unless one of them keeps it", async (store, { settings }) => {
    await store.openConsumer("d1", "ui", { maxConsumers: 10 });
    await store.commit(Array.from({ length: 4 }, () => directAppend("ana", "ben")));
    const peerOf = async (user: string) => {
      const summary = (await store.conversationOf(user, talk))!;
      return [summary.peerReadSeq, summary.peerDeliveredSeq];
    };
    assert.deepEqual(await peerOf("ana"), [0, 0]);
    await accept(store, directAppend("ana", "cleo"));
    const cursor = { kind: "move_cursor", deviceId: "d1", consumer: "ui" } as const;
    await store.commit([{ ...cursor, position: 3 }, read("ben", 2)]);
    assert.deepEqual(await peerOf("ana"), [2, 3]);
    await store.commit([{ ...cursor, position: 5 }]);
    assert.deepEqual(await peerOf("ana"), [2, 4]);
    assert.deepEqual(await peerOf("ben"), [0, 0]);
    for (const user of ["ana", "ben"]) {
      await settings.saveSettings(user, { ...defaultSettings, readReceipts: false });
      assert.deepEqual(await peerOf("ana"), [0, 0]);
      await settings.saveSettings(user, defaultSettings);
    }
    for (const [user, other] of [["ana", "ben"], ["ben", "ana"]]) {
      await settings.block(user, other, store.head);
      assert.deepEqual(await peerOf("ana"), [0, 0]);
      await settings.unblock(user, other, store.head);
    }
    assert.deepEqual(await peerOf("ana"), [2, 4]);
  });

  test("history() pages forward after a seq and from a time on", async (store) => {
    for (let index = 1; index <= 6; index++) {
      await accept(store, directAppend("ana", "ben", { acceptedAt: index * 1_000 }));
      await accept(store, { ...react("ben", 1, "👍"), acceptedAt: index * 1_000 });
    }
    const page = async (range: Partial<typeof wholeLog>, limit = 2) => {
      const found = await store.history("ben", talk, { ...wholeLog, ...range, limit, maxBytes: 1_000 });
      const { messages, firstSeq, lastSeq, more, moreAfter } = found!;
      return [messages.map(({ seq }) => seq), firstSeq, lastSeq, more, moreAfter];
    };
    assert.deepEqual(await page({ afterSeq: 1 }), [[3, 5], 2, 5, true, true]);
    assert.deepEqual(await page({ afterSeq: 9 }), [[11], 10, 12, true, false]);
    assert.deepEqual(await page({ afterSeq: 12 }), [[], 0, 0, true, false]);
    assert.deepEqual(await page({ afterSeq: 3, events: true }), [[4, 5], 4, 5, true, true]);
    assert.deepEqual(await page({ fromMs: 1 }), [[1, 3], 1, 3, false, true]);
    assert.deepEqual(await page({ fromMs: 4_000 }), [[7, 9], 7, 9, true, true]);
    assert.deepEqual(await page({ fromMs: 4_001, events: true }), [[9, 10], 9, 10, true, true]);
    assert.deepEqual(await page({ fromMs: 7_000 }), [[], 0, 0, true, false]);
    assert.deepEqual(await page({ afterSeq: 1, beforeSeq: 5 }, 9), [[3], 2, 4, true, true]);
    assert.deepEqual(await page({ beforeSeq: 3, events: true }, 1), [[2], 2, 2, true, true]);
  });
}
