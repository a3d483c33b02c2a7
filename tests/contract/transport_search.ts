import assert from "node:assert/strict";
import { ChatClient } from "../../src/client/chat_client.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { SearchResponse } from "../../src/gen/chatd/v1/search.ts";
import type { LinkClient } from "../support/servers/link_client.ts";
import { ManualTimers } from "../support/fakes/manual_timers.ts";
import { turns, until } from "../support/waiting/turns.ts";
import { type DefineTest, logIn, register, type TransportTest, windowBytes } from "./transport_harness.ts";

const id = createMessageId;
const nowhere = `+${"a".repeat(26)}`;

async function people({ server, session }: TransportTest, ...users: string[]): Promise<LinkClient[]> {
  const clients: LinkClient[] = [];
  for (const user of users) clients.push(await session((await register(server, user)).token, { protocolVersion: 2 }));
  return clients;
}

/** A page of what is found once everything said so far is indexed. */
async function search(
  client: LinkClient,
  query: string,
  { beforePosition = 0, limit = 0 } = {},
): Promise<SearchResponse> {
  for (;;) {
    const page = await client.ask("search", { query, beforePosition, limit });
    assert.ok(page.indexedThrough <= page.head);
    if (page.indexedThrough === page.head) return page;
    await turns(20);
  }
}

async function found(client: LinkClient, query: string): Promise<string[]> {
  return (await search(client, query)).messages.map(({ text }) => text);
}

/** Messages that are found again, by those who may see them. */
export function transportSearch(test: DefineTest): void {
  test("messages are found by words, sender, conversation and time, in pages", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben", "cleo");
    await ana.send("ben", "The build is broken");
    await ben.send("ana", "which build?");
    await ana.send("cleo", "build, build, build!");
    const { seq } = await ana.send("ben", "the one in Zürich is building");
    assert.deepEqual(await found(ana, "build"), ["build, build, build!", "which build?", "The build is broken"]);
    assert.deepEqual(await found(ana, "BUILD* from:me in:ben"), [
      "the one in Zürich is building",
      "The build is broken",
    ]);
    assert.deepEqual(await found(ana, '"the build" -zurich'), ["The build is broken"]);
    assert.deepEqual(await found(ben, "build after:2020-01-01 -from"), ["which build?", "The build is broken"]);
    assert.deepEqual(await found(ben, "build before:2020-01-01"), []);
    const [message] = (await search(ben, "zurich")).messages;
    assert.deepEqual([message.conversation, message.seq, message.sender], ["ana:ben", seq, "ana"]);
    const first = await search(ana, "build", { limit: 2 });
    assert.deepEqual([first.messages.length, first.more], [2, true]);
    const { messages, more } = await search(ana, "build", { limit: 2, beforePosition: first.nextBeforePosition });
    assert.deepEqual([messages.map(({ text }) => text), more], [["The build is broken"], false]);
  });

  test("a page of long messages stays within a frame, and the next goes on after it", async (context) => {
    const [ana] = await people(context, "ana");
    const long = (number: number) => `${number} ${"word ".repeat(3_200)}`;
    for (let number = 1; number <= 5; number++) await ana.send("ana", long(number));
    const texts: string[] = [];
    for (let beforePosition = 0, more = true; more;) {
      const page = await search(ana, "word", { beforePosition, limit: 50 });
      assert.ok(page.messages.length > 0 && page.messages.length < 5);
      texts.push(...page.messages.map(({ text }) => text));
      ({ more, nextBeforePosition: beforePosition } = page);
    }
    assert.deepEqual(texts, [5, 4, 3, 2, 1].map(long));
  });

  test("replies of many windows to pipelined searches arrive before any timer of the client fires", async (context) => {
    const [ana] = await people(context, "ana");
    for (let count = 0; count < 4; count++) await ana.send("ana", "word ".repeat(3_200));
    await search(ana, "word");
    const { transport } = context.server;
    const { token } = await logIn(context.server, "ana");
    const client = new ChatClient({ transport, token, client: "a test", timers: new ManualTimers(), onEvent() {} });
    const stop = new AbortController();
    const running = client.run({ signal: stop.signal });
    await until(() => client.state.kind === "online");
    let bytes = 0;
    const searches = Array.from({ length: 60 }, () => client.search("word"));
    for (const asked of searches) {
      void asked.then(({ messages }) => messages.forEach(({ text }) => bytes += text.length), () => {});
    }
    try {
      await until(() => bytes > 3 * windowBytes, { what: "replies of three windows", deadlineMs: 20_000 });
    } finally {
      stop.abort();
      await running;
      await Promise.allSettled(searches);
    }
  });

  test("an edited message is found by its new text, and a deleted one is not found", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const edited = await ana.send("ben", "old words");
    const deleted = await ana.send("ben", "gone words");
    assert.equal((await search(ben, "words")).messages.length, 2);
    await ana.ask("edit", { to: "ben", seq: edited.seq, text: "new words", id: id() });
    await ana.ask("delete", { to: "ben", seq: deleted.seq, id: id() });
    assert.deepEqual(await found(ben, "words"), ["new words"]);
    assert.deepEqual(await found(ana, "old"), []);
    assert.deepEqual(await found(ana, "gone"), []);
  });

  test("users find only messages that they may see, and learn of no others", async (context) => {
    const [ana, ben, mallory] = await people(context, "ana", "ben", "mallory");
    const create = { id: id(), name: "ops", public: false, historyVisible: false };
    const room = (await ana.ask("createRoom", create)).room!.id;
    await ana.send(room, "secret before");
    await ana.send("ben", "secret of two");
    await ana.ask("inviteMember", { id: id(), room, user: "ben" });
    await ben.ask("joinRoom", { id: id(), room });
    const between = await ana.send(room, "secret between");
    await ana.ask("removeMember", { id: id(), room, user: "ben", ban: false });
    await ana.send(room, "secret after");
    assert.deepEqual(await found(ben, "secret"), ["secret between", "secret of two"]);
    assert.deepEqual(await found(ben, `secret in:${room}`), ["secret between"]);
    await ana.ask("edit", { to: room, id: id(), seq: between.seq, text: "secret edited in" });
    assert.deepEqual(await found(ben, "secret"), ["secret of two"]);
    assert.deepEqual(await found(ana, '"edited in"'), ["secret edited in"]);
    for (const query of ["secret", "from:ana", "secr*", "-other", 'scope:c1 "c1" c1', "secret from:me"]) {
      const { messages, more } = await search(mallory, query);
      assert.deepEqual([messages, more], [[], false], query);
    }
    const refusals = await Promise.all([room, nowhere].map(async (address) => {
      const value = { query: `secret in:${address}`, beforePosition: 0, limit: 0 };
      const { $case, value: error } = await mallory.reply(mallory.request({ $case: "search", value })[0]);
      assert.ok($case === "error" && error.code === "not_found");
      return error.message.replace(address, "");
    }));
    assert.equal(refusals[0], refusals[1]);
  });

  test("messages of blocked users are not found, nor later those sent during the block", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    await ben.send("ana", "word one");
    await ana.ask("blockUser", { user: "ben", unblock: false });
    await ben.send("ana", "word two");
    assert.deepEqual(await found(ana, "word"), ["word one"]);
    await ana.ask("blockUser", { user: "ben", unblock: true });
    await ben.send("ana", "word three");
    assert.deepEqual(await found(ana, "word"), ["word three", "word one"]);
    assert.deepEqual(await found(ben, "word"), ["word three", "word two", "word one"]);
  });

  test("a wrong search is refused with a code", async (context) => {
    const [ana] = await people(context, "ana");
    const wrong: [string, string, number?][] = [
      ["invalid_argument", ""],
      ["invalid_argument", '"open'],
      ["invalid_argument", "after:soon"],
      ["invalid_argument", "in:ana:ben"],
      ["invalid_argument", "word", 51],
      ["not_found", "from:nobody"],
      ["not_found", "in:nobody"],
      ["not_found", "in:#nowhere"],
    ];
    for (const [code, query, limit = 0] of wrong) {
      const refusal = await ana.refusal({ $case: "search", value: { query, beforePosition: 0, limit } });
      assert.equal(refusal, code, query);
    }
  });
}
