import assert from "node:assert/strict";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { Append, ExclusiveMessageStore } from "../../src/core/messages/message_store.ts";
import {
  accept,
  acceptedMessage,
  deviceRecord,
  directAppend,
  userRecord,
  wholeLog,
} from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";

export interface OpenedStore {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  close(): void | Promise<void>;
}

const unlimited = { limit: 1_000, maxBytes: 1_000_000 };
const newest = { ...wholeLog, ...unlimited };
const firstConversations = { beforePosition: 0, ...unlimited };
const anyConsumer = { maxConsumers: 100 };

function seqs(messages: readonly Message[]): number[] {
  return messages.map(({ seq }) => seq);
}

function texts(messages: readonly Message[]): string[] {
  return messages.map(({ text }) => text);
}

/** What every message store keeps to. `open` gives an empty one, which the suite closes. */
export function messageStoreContract(name: string, open: () => OpenedStore | Promise<OpenedStore>): void {
  const test = contractTests(name, {
    open,
    async prepare({ messages, accounts }) {
      for (const user of ["ana", "ben", "cleo", "dan"]) await accounts.addUser(userRecord(user));
      await accounts.saveDevice(deviceRecord("d1", "ana"));
      return messages;
    },
  });

  test("an empty store has head 0, an epoch and nothing else", async (messages) => {
    assert.equal(messages.head, 0);
    assert.ok(messages.epoch.length >= 16);
    assert.deepEqual(await messages.messagesAfter("ana", 0, unlimited), { messages: [], through: 0 });
    assert.equal(await messages.history("ana", "ana:ben", newest), undefined);
    assert.equal(await messages.entry("ana", "ana:ben", 1), undefined);
    assert.equal(await messages.conversationOf("ana", "ana:ben"), undefined);
    assert.deepEqual(await messages.sentBy("ana", { beforeId: "", ...unlimited }), { messages: [], more: false });
    assert.deepEqual(await messages.conversationsOf("ana", firstConversations), { conversations: [], more: false });
    assert.deepEqual(await messages.peersAmong("ana", new Set(["ben", "ana"])), []);
    assert.deepEqual(await messages.commit([]), []);
  });

  test("commit() numbers each conversation from 1 and the store as a whole", async (messages) => {
    const results = await messages.commit([
      directAppend("ana", "ben"),
      directAppend("ana", "cleo"),
      directAppend("ben", "ana"),
    ]);
    const accepted = [...results.map(acceptedMessage), await accept(messages, directAppend("ben", "ana"))];
    assert.deepEqual(accepted.map(({ conversation, seq }) => [conversation, seq]), [
      ["ana:ben", 1],
      ["ana:cleo", 1],
      ["ana:ben", 2],
      ["ana:ben", 3],
    ]);
    for (const [index, { position }] of accepted.entries()) {
      assert.ok(position > (accepted[index - 1]?.position ?? 0));
    }
    assert.equal(messages.head, accepted[3].position);
  });

  test("an accepted message comes back as it was sent", async (messages) => {
    const text = "\u0000 \u0001 \ufeff\u202e naïve 😀 \u0000\r\n";
    const append = directAppend("ana", "ben", { text, acceptedAt: 1_764_000_000_123 });
    const message = await accept(messages, append);
    assert.deepEqual(message, {
      position: message.position,
      conversation: "ana:ben",
      seq: 1,
      id: append.id,
      sender: "ana",
      acceptedAt: 1_764_000_000_123,
      text,
      ordinal: 1,
    });
    assert.deepEqual((await messages.messagesAfter("ben", 0, unlimited)).messages, [message]);
    assert.deepEqual((await messages.history("ben", "ana:ben", newest))?.messages, [message]);
    assert.deepEqual(await messages.entry("ben", "ana:ben", 1), message);
    assert.deepEqual((await messages.sentBy("ana", { beforeId: "", ...unlimited })).messages, [message]);
    const summary = {
      conversation: "ana:ben",
      headSeq: 1,
      position: message.position,
      last: message,
      room: undefined,
      role: "member",
      invitedBy: undefined,
      unread: 1,
      mentions: 0,
      readSeq: 0,
      peerReadSeq: 0,
      peerDeliveredSeq: 0,
    };
    assert.deepEqual((await messages.conversationsOf("ben", firstConversations)).conversations, [summary]);
    assert.deepEqual(await messages.conversationOf("ben", "ana:ben"), summary);
  });

  test("commit() gives the first result when an id is sent again", async (messages) => {
    const append = directAppend("ana", "ben", { text: "once\u0000", acceptedAt: 5 });
    const { position } = await accept(messages, append);
    const accepted = { position, conversation: "ana:ben", seq: 1, acceptedAt: 5 };
    assert.deepEqual(await messages.commit([{ ...append, acceptedAt: 9 }]), [{ kind: "duplicate", accepted }]);
    assert.equal(messages.head, position);
  });

  test("commit() refuses an id that is sent again with another text or to another", async (messages) => {
    const append = directAppend("ana", "ben", { text: "a\u0000b" });
    const message = await accept(messages, append);
    const results = await messages.commit([
      { ...append, text: "a\u0000c" },
      directAppend("ana", "cleo", { id: append.id, text: append.text }),
    ]);
    assert.deepEqual(results, [{ kind: "conflict" }, { kind: "conflict" }]);
    assert.deepEqual((await messages.history("ana", "ana:ben", newest))?.messages, [message]);
    assert.equal(await messages.history("ana", "ana:cleo", newest), undefined);
    assert.deepEqual((await messages.conversationsOf("cleo", firstConversations)).conversations, []);
    assert.deepEqual(await messages.peersAmong("cleo", new Set(["ana"])), []);
  });

  test("commit() finds duplicates and conflicts within itself", async (messages) => {
    const append = directAppend("ana", "ben");
    const results = await messages.commit([append, append, { ...append, text: "other" }, directAppend("ana", "ben")]);
    assert.deepEqual(results.map(({ kind }) => kind), ["accepted", "duplicate", "conflict", "accepted"]);
    const { position, conversation, seq, acceptedAt } = acceptedMessage(results[0]);
    assert.deepEqual(results[1], { kind: "duplicate", accepted: { position, conversation, seq, acceptedAt } });
    assert.equal(acceptedMessage(results[3]).seq, 2);
  });

  test("commit() appends nothing that is refused, and finds what was accepted before", async (messages) => {
    const append = directAppend("ana", "ben");
    const { position, conversation, seq, acceptedAt } = await accept(messages, append);
    const results = await messages.commit([
      { ...append, refused: true },
      { ...append, text: "other", refused: true },
      { ...directAppend("ana", "ben"), refused: true },
      { ...directAppend("ana", "nobody-knows"), refused: true },
    ]);
    assert.deepEqual(results, [
      { kind: "duplicate", accepted: { position, conversation, seq, acceptedAt } },
      { kind: "conflict" },
      { kind: "refused" },
      { kind: "refused" },
    ]);
    assert.equal(messages.head, position);
    assert.equal((await messages.history("ana", "ana:ben", newest))?.headSeq, 1);
  });

  test("the same id from two senders is two messages", async (messages) => {
    const id = createMessageId();
    const results = await messages.commit([directAppend("ana", "ben", { id }), directAppend("ben", "ana", { id })]);
    assert.deepEqual(results.map(acceptedMessage).map(({ sender, seq }) => [sender, seq]), [["ana", 1], ["ben", 2]]);
  });

  test("one change that cannot be made does not spoil the others of its commit", async (messages) => {
    const unknownMember = { ...directAppend("ana", "nobody-knows") };
    const results = await messages.commit([
      directAppend("ana", "ben", { text: "first" }),
      directAppend("nobody-knows", "ana"),
      unknownMember,
      { kind: "move_cursor", deviceId: "unknown", consumer: "ui", position: 0 },
      directAppend("ana", "ben", { text: "second" }),
    ]);
    assert.deepEqual(results.map(({ kind }) => kind), ["accepted", "failed", "failed", "failed", "accepted"]);
    const page = await messages.history("ana", "ana:ben", newest);
    assert.deepEqual(texts(page!.messages), ["first", "second"]);
    assert.equal(page!.headSeq, 2);
    assert.equal(await messages.history("ana", unknownMember.conversation, newest), undefined);
    assert.deepEqual(await messages.peersAmong("ana", new Set(["ben", "nobody-knows"])), ["ben"]);
    assert.equal((await accept(messages, directAppend("ben", "ana"))).seq, 3);
  });

  test("commits happen in the order of the calls", async (messages) => {
    const calls = Array.from(
      { length: 20 },
      (_, index) => accept(messages, directAppend("ana", "ben", { text: `${index}` })),
    );
    assert.deepEqual(seqs(await Promise.all(calls)), Array.from({ length: 20 }, (_, index) => index + 1));
    const page = await messages.history("ana", "ana:ben", newest);
    assert.deepEqual(texts(page!.messages), Array.from({ length: 20 }, (_, index) => `${index}`));
  });

  test("messagesAfter() gives a user their own conversations only, sent and received", async (messages) => {
    await messages.commit([
      directAppend("ana", "ben", { text: "1" }),
      directAppend("cleo", "dan", { text: "2" }),
      directAppend("cleo", "ana", { text: "3" }),
      directAppend("ana", "ana", { text: "4" }),
      directAppend("ben", "cleo", { text: "5" }),
    ]);
    const { messages: found, through } = await messages.messagesAfter("ana", 0, unlimited);
    assert.deepEqual(texts(found), ["1", "3", "4"]);
    assert.equal(through, messages.head);
    assert.deepEqual(await messages.messagesAfter("nobody-knows", 0, unlimited), {
      messages: [],
      through: messages.head,
    });
  });

  test("messagesAfter() covers everything in pages", async (messages) => {
    const peers = ["ben", "cleo", "dan"];
    const appends = Array.from(
      { length: 30 },
      (_, index) => directAppend("ana", peers[index % 3], { text: `${index}` }),
    );
    await messages.commit(appends);
    const pages: string[][] = [];
    let position = 0;
    while (position < messages.head) {
      const page = await messages.messagesAfter("ana", position, { limit: 7, maxBytes: 1_000 });
      pages.push(texts(page.messages));
      assert.ok(page.through > position);
      position = page.through;
    }
    assert.deepEqual(pages.flat(), texts(appends as unknown as Message[]));
    assert.ok(pages.every((page) => page.length <= 7));
  });

  test("messagesAfter() skips far over what others wrote", async (messages) => {
    const mine = await accept(messages, directAppend("ana", "ben", { text: "before" }));
    for (let round = 0; round < 4; round++) {
      await messages.commit(Array.from({ length: 400 }, () => directAppend("cleo", "dan")));
      await accept(messages, directAppend("ben", "ana", { text: `${round}` }));
    }
    const { messages: found, through } = await messages.messagesAfter("ana", mine.position, unlimited);
    assert.deepEqual(texts(found), ["0", "1", "2", "3"]);
    assert.equal(through, messages.head);
    assert.deepEqual(texts((await messages.messagesAfter("ana", found[2].position, unlimited)).messages), ["3"]);
  });

  test("pages hold at most maxBytes of UTF-8, and always one message", async (messages) => {
    const wide = "é".repeat(50);
    const appends = Array.from({ length: 4 }, () => directAppend("ana", "ben", { text: wide }));
    await messages.commit(appends);
    const sizes = async (maxBytes: number) => {
      const batch = await messages.messagesAfter("ben", 0, { limit: 10, maxBytes });
      const page = (await messages.history("ana", "ana:ben", { ...wholeLog, limit: 10, maxBytes }))!;
      const sent = await messages.sentBy("ana", { beforeId: "", limit: 10, maxBytes });
      assert.equal(batch.through, batch.messages.at(-1)!.position);
      assert.deepEqual(seqs(page.messages), [1, 2, 3, 4].slice(-page.messages.length));
      assert.ok(page.more && sent.more);
      return [batch.messages.length, page.messages.length, sent.messages.length];
    };
    assert.deepEqual(await sizes(1), [1, 1, 1]);
    assert.deepEqual(await sizes(199), [1, 1, 1]);
    assert.deepEqual(await sizes(200), [2, 2, 2]);
    assert.deepEqual(await sizes(399), [3, 3, 3]);
    assert.equal((await messages.messagesAfter("ben", 0, { limit: 10, maxBytes: 400 })).through, messages.head);
  });

  test("history() pages back to the first message", async (messages) => {
    await messages.commit(Array.from({ length: 10 }, () => directAppend("ana", "ben")));
    const page = async (beforeSeq: number) => {
      const page = await messages.history("ben", "ana:ben", { ...wholeLog, beforeSeq, limit: 4, maxBytes: 1_000 });
      assert.equal(page!.headSeq, 10);
      return [seqs(page!.messages), page!.more];
    };
    assert.deepEqual(await page(0), [[7, 8, 9, 10], true]);
    assert.deepEqual(await page(7), [[3, 4, 5, 6], true]);
    assert.deepEqual(await page(3), [[1, 2], false]);
    assert.deepEqual(await page(5), [[1, 2, 3, 4], false]);
    assert.deepEqual(await page(1), [[], false]);
    assert.deepEqual(await page(99), [[7, 8, 9, 10], true]);
  });

  test("sentBy() pages by id over all conversations", async (messages) => {
    const ids = Array.from({ length: 6 }, (_, index) => createMessageId(1_700_000_000_000 + index));
    const shuffled: Append[] = [3, 0, 5, 1, 4, 2].map((index) =>
      directAppend("ana", index % 2 === 0 ? "ben" : "cleo", { id: ids[index], text: `${index}` })
    );
    await messages.commit([...shuffled, directAppend("ben", "ana", { text: "not hers" })]);
    const page = async (beforeId: string) => {
      const { messages: found, more } = await messages.sentBy("ana", { beforeId, limit: 3, maxBytes: 1_000 });
      return [texts(found), more];
    };
    assert.deepEqual(await page(""), [["3", "4", "5"], true]);
    assert.deepEqual(await page(ids[3]), [["0", "1", "2"], false]);
    assert.deepEqual(await page(ids[0]), [[], false]);
  });

  test("conversationsOf() lists the newest first, each with its last message", async (messages) => {
    await messages.commit([
      directAppend("ana", "ben", { text: "1" }),
      directAppend("cleo", "ana", { text: "2" }),
      directAppend("ana", "dan", { text: "3" }),
      directAppend("ben", "ana", { text: "4" }),
      directAppend("ben", "dan", { text: "5" }),
    ]);
    const page = async (user: string, beforePosition: number, limit: number) => {
      const { conversations, more } = await messages.conversationsOf(user, { beforePosition, limit, maxBytes: 1_000 });
      return [conversations.map(({ conversation, headSeq, last }) => [conversation, headSeq, last?.text]), more];
    };
    const ofAna = [["ana:ben", 2, "4"], ["ana:dan", 1, "3"], ["ana:cleo", 1, "2"]];
    assert.deepEqual(await page("ana", 0, 10), [ofAna, false]);
    assert.deepEqual(await page("ana", 0, 3), [ofAna, false]);
    assert.deepEqual(await page("ana", 0, 1), [ofAna.slice(0, 1), true]);
    assert.deepEqual(await page("ana", 4, 1), [ofAna.slice(1, 2), true]);
    assert.deepEqual(await page("ana", 3, 10), [ofAna.slice(2), false]);
    assert.deepEqual(await page("ana", 1, 10), [[], false]);
    assert.deepEqual(await page("cleo", 0, 10), [[["ana:cleo", 1, "2"]], false]);
  });

  test("a new consumer starts at the head, and keeps its cursor", async (messages) => {
    const { position } = await accept(messages, directAppend("ben", "ana"));
    assert.equal(await messages.openConsumer("d1", "ui", anyConsumer), position);
    await accept(messages, directAppend("ben", "ana"));
    assert.equal(await messages.openConsumer("d1", "ui", anyConsumer), position);
    assert.equal(await messages.openConsumer("d1", "tail:alerts", anyConsumer), messages.head);
    await assert.rejects(messages.openConsumer("unknown", "ui", anyConsumer));
  });

  test("a device has no more consumers than it may, and opens those that it has", async (messages) => {
    assert.equal(await messages.openConsumer("d1", "one", { maxConsumers: 2 }), 0);
    assert.equal(await messages.openConsumer("d1", "two", { maxConsumers: 2 }), 0);
    assert.equal(await messages.openConsumer("d1", "three", { maxConsumers: 2 }), undefined);
    assert.equal(await messages.openConsumer("d1", "one", { maxConsumers: 2 }), 0);
    assert.equal(await messages.openConsumer("d1", "three", { maxConsumers: 3 }), 0);
  });

  test("a cursor moves forward only, and each consumer has its own", async (messages) => {
    await messages.openConsumer("d1", "ui", anyConsumer);
    await messages.openConsumer("d1", "tail", anyConsumer);
    await messages.commit(Array.from({ length: 5 }, () => directAppend("ben", "ana")));
    const move = (position: number) => ({ kind: "move_cursor", deviceId: "d1", consumer: "ui", position }) as const;
    assert.deepEqual(await messages.commit([move(4), move(2)]), [{ kind: "moved" }, { kind: "moved" }]);
    assert.equal(await messages.openConsumer("d1", "ui", anyConsumer), 4);
    assert.equal(await messages.openConsumer("d1", "tail", anyConsumer), 0);
    const [beyond, after] = await messages.commit([move(messages.head + 1), move(5)]);
    assert.deepEqual([beyond.kind, after.kind], ["failed", "moved"]);
    assert.equal(await messages.openConsumer("d1", "ui", anyConsumer), 5);
  });
}
