import assert from "node:assert/strict";
import fc from "fast-check";
import { directConversation, type Message } from "../../src/core/messages/message.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { Append, ChangeResult, MessageStore } from "../../src/core/messages/message_store.ts";
import { directAppend, userRecord, wholeLog } from "../support/servers/stored_messages.ts";
import { propertyLimits } from "../support/checks/property_limits.ts";
import type { OpenedStore } from "./message_store.ts";

const users = ["ana", "ben", "cleo", "dan", "eve"];
const user = fc.constantFrom(...users);

/** What to append: something new, or what an earlier one of the run was, with or without its text. */
const step = fc.record({
  sender: user,
  to: user,
  text: fc.string({ minLength: 1, maxLength: 12, unit: "binary" }),
  idTime: fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_050 }),
  again: fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.record({ index: fc.nat(), sameText: fc.boolean() }) },
  ),
});
const steps = fc.array(step, { maxLength: 600, size: "max" });
const batchSizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 });
const probe = fc.record({
  user,
  conversation: fc.tuple(user, user).map(([one, other]) => directConversation(one, other)),
  start: fc.double({ min: 0, max: 1, noNaN: true }),
  limit: fc.integer({ min: 1, max: 300 }),
  maxBytes: fc.integer({ min: 1, max: 2_000 }),
});
const probes = fc.array(probe, { minLength: 5, maxLength: 15 });
type Probe = typeof probe extends fc.Arbitrary<infer T> ? T : never;

/** The log as a list: what a store is compared with. */
class Model {
  readonly log: Message[] = [];

  check(append: Append, result: ChangeResult): void {
    const before = this.log.find(({ sender, id }) => sender === append.sender && id === append.id);
    if (before) {
      const { conversation, position, seq, acceptedAt } = before;
      const same = conversation === append.conversation && before.text === append.text;
      const duplicate = { kind: "duplicate", accepted: { position, conversation, seq, acceptedAt } };
      assert.deepEqual(result, same ? duplicate : { kind: "conflict" });
      return;
    }
    assert.equal(result.kind, "accepted");
    if (result.kind !== "accepted") return;
    const { conversation, id, sender, acceptedAt, text } = append;
    const { position } = result.message;
    const seq = this.in(conversation).length + 1;
    assert.deepEqual(result.message, { position, conversation, seq, id, sender, acceptedAt, text, ordinal: seq });
    assert.ok(position > (this.log.at(-1)?.position ?? 0));
    this.log.push(result.message);
  }

  in(conversation: string): Message[] {
    return this.log.filter((message) => message.conversation === conversation);
  }

  visibleTo(user: string): Message[] {
    return this.log.filter(({ conversation }) => conversation.split(":").includes(user));
  }

  sentBy(user: string): Message[] {
    return this.log.filter(({ sender }) => sender === user).sort((one, other) => one.id < other.id ? -1 : 1);
  }
}

function checkSize(messages: readonly Message[], { limit, maxBytes }: Probe): void {
  const bytes = messages.reduce((sum, { text }) => sum + new TextEncoder().encode(text).length, 0);
  assert.ok(messages.length <= limit && (messages.length <= 1 || bytes <= maxBytes));
}

async function checkMessagesAfter(store: MessageStore, model: Model, probe: Probe): Promise<void> {
  const start = Math.floor(probe.start * store.head);
  const found: Message[] = [];
  let position = start;
  while (position < store.head) {
    const { messages, through } = await store.messagesAfter(probe.user, position, probe);
    checkSize(messages, probe);
    assert.ok(through > position && through <= store.head);
    found.push(...messages);
    assert.ok((found.at(-1)?.position ?? 0) <= through);
    const due = model.visibleTo(probe.user).filter(({ position }) => position > start && position <= through);
    assert.deepEqual(found, due);
    position = through;
  }
}

async function checkHistory(store: MessageStore, model: Model, probe: Probe): Promise<void> {
  const { user, conversation } = probe;
  const all = model.in(conversation);
  let beforeSeq = Math.floor(probe.start * all.length);
  let rest = beforeSeq === 0 ? all : all.slice(0, beforeSeq - 1);
  while (true) {
    const page = await store.history(user, conversation, { ...wholeLog, ...probe, beforeSeq });
    if (all.length === 0 || !conversation.split(":").includes(user)) return assert.equal(page, undefined);
    const { messages, headSeq, startSeq, more } = page!;
    checkSize(messages, probe);
    assert.deepEqual([startSeq, headSeq], [1, all.length]);
    assert.deepEqual(messages, rest.slice(rest.length - messages.length));
    rest = rest.slice(0, rest.length - messages.length);
    assert.equal(more, rest.length > 0);
    if (!more) return;
    assert.ok(messages.length > 0);
    beforeSeq = messages[0].seq;
  }
}

async function checkSent(store: MessageStore, model: Model, probe: Probe): Promise<void> {
  let rest = model.sentBy(probe.user);
  let beforeId = "";
  while (true) {
    const { messages, more } = await store.sentBy(probe.user, { ...probe, beforeId });
    checkSize(messages, probe);
    assert.deepEqual(messages, rest.slice(rest.length - messages.length));
    rest = rest.slice(0, rest.length - messages.length);
    assert.equal(more, rest.length > 0);
    if (!more) return;
    assert.ok(messages.length > 0);
    beforeId = messages[0].id;
  }
}

async function checkSummaries(store: MessageStore, model: Model, user: string): Promise<void> {
  const last = new Map<string, Message>();
  for (const message of model.visibleTo(user)) last.set(message.conversation, message);
  const expected = [...last.values()]
    .sort((one, other) => other.position - one.position)
    .map((message) => ({ conversation: message.conversation, headSeq: message.seq, last: message }));
  const { conversations: found, more } = await store.conversationsOf(user, {
    beforePosition: 0,
    limit: 100,
    maxBytes: 100_000,
  });
  const conversations = found.map(({ conversation, headSeq, last }) => ({ conversation, headSeq, last }));
  assert.deepEqual(conversations, expected);
  assert.equal(more, false);
  const peers = new Set([...last.keys()].flatMap((conversation) => conversation.split(":")));
  peers.delete(user);
  const peersFound = await store.peersAmong(user, new Set(users));
  assert.deepEqual(peersFound.toSorted(), users.filter((other) => peers.has(other)));
}

/** Random logs, read back in random ways. `open` gives an empty store, which the suite closes. */
export function messageStoreProperties(name: string, open: () => OpenedStore | Promise<OpenedStore>): void {
  Deno.test(`${name}: whatever is appended and sent again, reading gives the log, whole and in order`, async () => {
    const property = fc.asyncProperty(steps, batchSizes, probes, async (steps, batchSizes, probes) => {
      const { messages: store, accounts, close } = await open();
      try {
        for (const name of users) await accounts.addUser(userRecord(name));
        const appends: Append[] = [];
        for (const { sender, to, text, idTime, again } of steps) {
          const earlier = again && appends[again.index % appends.length];
          if (earlier) appends.push(again.sameText ? earlier : { ...earlier, text });
          else appends.push(directAppend(sender, to, { text, id: createMessageId(idTime) }));
        }
        const model = new Model();
        for (let start = 0, batch = 0; start < appends.length; batch++) {
          const changes = appends.slice(start, start + batchSizes[batch % batchSizes.length]);
          const results = await store.commit(changes);
          assert.equal(results.length, changes.length);
          for (const [index, change] of changes.entries()) model.check(change, results[index]);
          start += changes.length;
        }
        assert.equal(store.head, model.log.at(-1)?.position ?? 0);
        for (const probe of probes) {
          await checkMessagesAfter(store, model, probe);
          await checkHistory(store, model, probe);
          await checkSent(store, model, probe);
          await checkSummaries(store, model, probe.user);
        }
      } finally {
        await close();
      }
    });
    await fc.assert(property, { ...propertyLimits, numRuns: 15 });
  });
}
