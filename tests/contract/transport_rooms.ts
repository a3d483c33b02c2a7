import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { Audience, type Event, type Message, Naming, Role } from "../../src/gen/chatd/v1/chat.ts";
import type { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { until } from "../support/waiting/turns.ts";
import { historyRequest } from "../support/servers/wire_values.ts";
import { type DefineTest, register, type TransportTest } from "./transport_harness.ts";

const id = createMessageId;
/** What a room that one cannot see is, and one that does not exist. */
const nowhere = `+${"a".repeat(26)}`;

/** Sessions of clients that know events. */
async function people({ server, session }: TransportTest, ...users: string[]): Promise<LinkClient[]> {
  const clients: LinkClient[] = [];
  for (const user of users) clients.push(await session((await register(server, user)).token, { protocolVersion: 2 }));
  return clients;
}

async function makeRoom(
  owner: LinkClient,
  options: { public?: boolean; historyVisible?: boolean } = {},
): Promise<string> {
  const value = { id: id(), name: "ops", public: true, historyVisible: false, ...options };
  return (await owner.ask("createRoom", value)).room!.id;
}

/** Resolves with the event of this kind that comes, or came. */
function eventOf<Case extends NonNullable<Event["kind"]>["$case"]>(client: LinkClient, kind: Case): Promise<Message> {
  return until(() => client.messages.find(({ event }) => event?.kind?.$case === kind), { what: `the event ${kind}` });
}

function texts(messages: readonly Message[]): string[] {
  return messages.filter(({ event }) => event === undefined).map(({ text }) => text);
}

/** Rooms, and what is done to messages, for everybody who is in the conversation and for nobody else. */
export function transportRooms(test: DefineTest): void {
  test("who joins a public room reads what is said from then on, and writes there", async (context) => {
    const [ana, ben, cleo] = await people(context, "ana", "ben", "cleo");
    const room = await makeRoom(ana);
    await ana.send(room, "before");
    const joined = await ben.ask("joinRoom", { id: id(), room: "#ops" });
    assert.deepEqual([joined.room!.id, joined.room!.members], [room, 2]);
    assert.equal((await eventOf(ana, "joined")).sender, "ben");
    await ana.send("#ops", "to all");
    await ben.send(room, "from ben");
    await until(() => texts(ana.messages).length === 1 && texts(ben.messages).length === 1);
    assert.deepEqual([texts(ana.messages), texts(ben.messages)], [["from ben"], ["to all"]]);
    assert.equal(ben.messages.find(({ text }) => text === "to all")!.conversation, room);
    assert.deepEqual(cleo.messages, []);
    const page = await ben.ask("history", historyRequest({ with: room, events: true }));
    assert.deepEqual(texts(page.messages), ["to all", "from ben"]);
    const { members } = await cleo.ask("listMembers", { room: "#ops", after: "", limit: 0 });
    assert.deepEqual(members.map(({ user, role }) => [user, role]), [["ana", Role.OWNER], ["ben", Role.MEMBER]]);
  });

  test("a room that shows its history shows it to who comes later", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const room = await makeRoom(ana, { historyVisible: true });
    await ana.send(room, "before");
    await ben.ask("joinRoom", { id: id(), room: "#ops" });
    assert.deepEqual(texts((await ben.ask("history", historyRequest({ with: room }))).messages), ["before"]);
  });

  test("nobody can tell a private room from one that does not exist", async (context) => {
    const [ana, mallory] = await people(context, "ana", "mallory");
    const room = await makeRoom(ana, { public: false });
    const { seq } = await ana.send(room, "secret");
    const attempts = (address: string): RequestKind[] => [
      { $case: "joinRoom", value: { id: id(), room: address } },
      { $case: "leaveRoom", value: { id: id(), room: address } },
      { $case: "setTopic", value: { id: id(), room: address, topic: "mine" } },
      { $case: "updateRoom", value: { id: id(), room: address, public: true } },
      { $case: "inviteMember", value: { id: id(), room: address, user: "mallory" } },
      { $case: "removeMember", value: { id: id(), room: address, user: "ana", ban: false } },
      { $case: "removeMember", value: { id: id(), room: address, user: "ana", ban: true } },
      { $case: "unbanMember", value: { id: id(), room: address, user: "mallory" } },
      { $case: "setRole", value: { id: id(), room: address, user: "mallory", role: Role.OWNER } },
      { $case: "listMembers", value: { room: address, after: "", limit: 0 } },
      { $case: "history", value: historyRequest({ with: address, events: true }) },
      { $case: "getConversation", value: { with: address } },
      { $case: "send", value: { to: address, id: id(), text: "boo", replyToSeq: 0, uploadId: "", automatic: false } },
      { $case: "send", value: { to: address, id: id(), text: "boo", replyToSeq: seq, uploadId: "", automatic: false } },
      { $case: "edit", value: { to: address, id: id(), seq, text: "boo" } },
      { $case: "delete", value: { to: address, id: id(), seq } },
      { $case: "react", value: { to: address, id: id(), seq, emoji: "👍", remove: false } },
    ];
    const answers = async (address: string) => {
      const replies: unknown[] = [];
      for (const kind of attempts(address)) {
        const { $case, value } = await mallory.reply(mallory.request(kind)[0]);
        assert.equal($case, "error", `${kind.$case} was not refused`);
        replies.push(JSON.stringify(value).replaceAll(address, "ADDRESS"));
      }
      return replies;
    };
    assert.deepEqual(await answers(room), await answers(nowhere));
    assert.deepEqual((await mallory.ask("listRooms", { query: "", after: "", limit: 0 })).rooms, []);
    assert.equal(await mallory.refusal({ $case: "joinRoom", value: { id: id(), room: "#ops" } }), "not_found");
    assert.deepEqual(mallory.messages, []);
  });

  test("a room joined by invitation is listed by its newest entry, with its unread messages and mentions", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const room = await makeRoom(ana, { public: false });
    await ana.ask("inviteMember", { id: id(), room, user: "ben" });
    await ben.ask("joinRoom", { id: id(), room });
    await ana.send(room, "hello");
    const { seq, position } = await ana.send(room, "hello, @Ben and team@ben");
    const { seq: gone } = await ana.send(room, "@ben");
    await ana.ask("delete", { id: id(), to: room, seq: gone });
    const { conversation } = await ben.ask("getConversation", { with: room });
    assert.deepEqual([conversation!.role, conversation!.invitedBy], [Role.MEMBER, ""]);
    assert.deepEqual([conversation!.unread, conversation!.mentions], [2, 1]);
    assert.deepEqual([conversation!.headSeq, conversation!.position], [seq + 2, position + 2]);
    const { conversations } = await ben.ask("listConversations", { limit: 0, beforePosition: 0 });
    assert.deepEqual(conversations, [conversation]);
  });

  test("an edit that names a member counts as a mention, and reaches them with its text", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const room = await makeRoom(ana);
    await ben.ask("joinRoom", { id: id(), room });
    const { seq } = await ana.send(room, "hello");
    await ben.ask("read", { with: room, seq });
    const counts = async () => {
      const { conversation } = await ben.ask("getConversation", { with: room });
      return [conversation!.unread, conversation!.mentions];
    };
    await until(async () => (await counts())[0] === 0);
    const { entry } = await ana.ask("edit", { id: id(), to: room, seq, text: "hello, @ben" });
    const edit = await eventOf(ben, "edited");
    assert.deepEqual([edit.seq, edit.text, edit.event], [entry!.seq, "hello, @ben", {
      kind: { $case: "edited", value: { seq } },
    }]);
    assert.deepEqual(await counts(), [0, 1]);
    await ana.ask("edit", { id: id(), to: room, seq, text: "hello, ben@work" });
    assert.deepEqual(await counts(), [0, 0]);
  });

  test("@room names all members and @here those who are online, if a moderator writes it", async (context) => {
    const [ana, ben, cleo] = await people(context, "ana", "ben", "cleo");
    const room = await makeRoom(ana);
    for (const each of [ben, cleo]) await each.ask("joinRoom", { id: id(), room });
    const mentions = async (user: LinkClient) =>
      (await user.ask("getConversation", { with: room })).conversation!.mentions;
    await cleo.ask("setAway", { away: true });
    await ana.send(room, "@here, please");
    const { seq } = await ana.send(room, "@Room and @ben: listen");
    await ben.send(room, "@room @here is text from me");
    assert.deepEqual([await mentions(ana), await mentions(ben), await mentions(cleo)], [0, 2, 1]);
    await until(() => cleo.messages.filter(({ event }) => event === undefined).length === 3);
    const received = cleo.messages.filter(({ event }) => event === undefined);
    assert.deepEqual(received.map(({ audience }) => audience), [Audience.HERE, Audience.ROOM, Audience.UNSPECIFIED]);
    assert.deepEqual(received.map(({ naming }) => naming), [
      Naming.UNSPECIFIED,
      Naming.NEW,
      Naming.UNSPECIFIED,
    ], "cleo was away from @here");
    const { messages } = await cleo.ask("history", historyRequest({ with: room }));
    assert.deepEqual(messages.map(({ audience }) => audience), received.map(({ audience }) => audience));
    assert.deepEqual(messages.map(({ naming }) => naming), received.map(({ naming }) => naming));
    assert.deepEqual(ben.messages.filter(({ event }) => event === undefined).map(({ naming }) => naming), [
      Naming.NEW,
      Naming.NEW,
    ]);
    await ana.ask("edit", { id: id(), to: room, seq, text: "never mind" });
    assert.deepEqual([await mentions(ben), await mentions(cleo)], [1, 0]);
    await ana.ask("edit", { id: id(), to: room, seq, text: "after all, @room" });
    const edits = () => cleo.messages.filter(({ event }) => event?.kind?.$case === "edited");
    await until(() => edits().length === 2);
    assert.deepEqual(edits().map(({ audience }) => audience), [Audience.UNSPECIFIED, Audience.ROOM]);
    assert.deepEqual(edits().map(({ naming }) => naming), [Naming.UNSPECIFIED, Naming.NEW]);
    await ana.ask("edit", { id: id(), to: room, seq, text: "again, @room and @cleo" });
    await until(() => edits().length === 3);
    assert.equal(edits()[2].naming, Naming.KEPT);
    assert.deepEqual([await mentions(ben), await mentions(cleo)], [2, 1]);
    await ana.ask("delete", { id: id(), to: room, seq });
    assert.deepEqual([await mentions(ben), await mentions(cleo)], [1, 0]);
  });

  test("the owner of a room sets who may mention all, and the members see it", async (context) => {
    const [ana, ben, cleo] = await people(context, "ana", "ben", "cleo");
    const room = await makeRoom(ana);
    for (const each of [ben, cleo]) await each.ask("joinRoom", { id: id(), room });
    const setting = async (user: LinkClient) =>
      (await user.ask("getConversation", { with: room })).conversation!.room!.mentionAll;
    const set = (mentionAll: Role): RequestKind => ({ $case: "updateRoom", value: { id: id(), room, mentionAll } });
    assert.equal(await setting(cleo), Role.MODERATOR);
    await ana.ask("setRole", { id: id(), room, user: "ben", role: Role.MODERATOR });
    for (const each of [ben, cleo]) assert.equal(await each.refusal(set(Role.MEMBER)), "permission_denied");
    assert.equal(await ana.refusal(set(Role.INVITED)), "invalid_argument");
    const saidBy = async (user: LinkClient) => {
      const { seq } = await user.send(room, "@room");
      const { messages } = await ana.ask("history", historyRequest({ with: room, afterSeq: seq - 1 }));
      return messages[0].audience === Audience.ROOM;
    };
    const sayAll = async () => [await saidBy(ana), await saidBy(ben), await saidBy(cleo)];
    assert.deepEqual(await sayAll(), [true, true, false]);
    for (
      const [mentionAll, expected] of [[Role.MEMBER, [true, true, true]], [Role.OWNER, [true, false, false]]] as const
    ) {
      const { seq } = (await ana.ask("updateRoom", { id: id(), room, mentionAll })).entry!;
      const { text, event } = await until(() => cleo.messages.find((message) => message.seq === seq));
      const value = { public: true, historyVisible: false, mentionAll, byOperator: false };
      assert.deepEqual([text, event], ["ops", { kind: { $case: "roomChanged", value } }]);
      assert.equal(await setting(ben), mentionAll);
      assert.deepEqual(await sayAll(), expected);
    }
    await ana.ask("updateRoom", { id: id(), room, historyVisible: true });
    assert.equal(await setting(ben), Role.OWNER, "other changes keep it");
  });

  test("who is invited may join, and who is removed keeps what was said until then", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const room = await makeRoom(ana, { public: false });
    await ana.ask("inviteMember", { id: id(), room, user: "ben" });
    await until(() => ben.items.some((item) => item.$case === "stateChanged" && item.value.conversation === room));
    const invitation = (await ben.ask("getConversation", { with: room })).conversation!;
    assert.deepEqual([invitation.role, invitation.invitedBy, invitation.room!.name], [Role.INVITED, "ana", "ops"]);
    const history: RequestKind = { $case: "history", value: historyRequest({ with: room }) };
    assert.equal(await ben.refusal(history), "permission_denied");
    await ben.ask("joinRoom", { id: id(), room });
    await ana.send(room, "while in it");
    await ana.ask("removeMember", { id: id(), room, user: "ben", ban: false });
    await ana.send(room, "after it");
    assert.equal((await eventOf(ben, "removed")).sender, "ana");
    assert.equal(
      await ben.refusal({
        $case: "send",
        value: { to: room, id: id(), text: "still?", replyToSeq: 0, uploadId: "", automatic: false },
      }),
      "not_found",
    );
    const { messages, headSeq } = await ben.ask("history", historyRequest({ with: room }));
    assert.deepEqual([texts(messages), messages.length > 0 && headSeq], [["while in it"], 5]);
    assert.deepEqual(texts(ben.messages), ["while in it"]);
    assert.equal(await ben.refusal({ $case: "joinRoom", value: { id: id(), room } }), "not_found");
  });

  test("who is banned cannot come back until the ban is lifted", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const room = await makeRoom(ana);
    await ben.ask("joinRoom", { id: id(), room });
    await ana.ask("removeMember", { id: id(), room, user: "ben", ban: true });
    const join: RequestKind = { $case: "joinRoom", value: { id: id(), room } };
    assert.equal(await ben.refusal(join), "permission_denied");
    await ana.ask("unbanMember", { id: id(), room, user: "ben" });
    await ben.ask("joinRoom", { id: id(), room });
  });

  test("a request of a room that is sent again has the first result", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const create = { id: id(), name: "ops", public: true, historyVisible: false };
    const made = await ana.ask("createRoom", create);
    const again = await ana.ask("createRoom", create);
    assert.deepEqual([again.room, again.duplicate], [made.room, true]);
    const join = { id: id(), room: made.room!.id };
    const first = await ben.ask("joinRoom", join);
    const second = await ben.ask("joinRoom", join);
    assert.deepEqual([second.entry!.seq, second.entry!.duplicate], [first.entry!.seq, true]);
    assert.equal(await ben.refusal({ $case: "joinRoom", value: { ...join, id: id() } }), "already_exists");
    const taken: RequestKind = { $case: "createRoom", value: { ...create, id: id() } };
    assert.equal(await ben.refusal(taken), "already_exists");
  });

  test("edits, reactions and deletions reach both, and history has what became of a message", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const { seq } = await ana.send("ben", "helo");
    await ana.ask("edit", { to: "ben", id: id(), seq, text: "hello" });
    assert.equal((await eventOf(ben, "edited")).text, "hello");
    await ben.ask("react", { to: "ana", id: id(), seq, emoji: "👍", remove: false });
    await eventOf(ana, "reacted");
    const read = async (client: LinkClient, other: string) =>
      (await client.ask("history", historyRequest({ with: other }))).messages[0];
    const seen = await read(ana, "ben");
    assert.deepEqual([seen.text, seen.editedAtMs > 0, seen.reactions], ["hello", true, [{
      emoji: "👍",
      count: 1,
      own: false,
    }]]);
    assert.deepEqual((await read(ben, "ana")).reactions, [{ emoji: "👍", count: 1, own: true }]);
    await ana.ask("delete", { to: "ben", id: id(), seq });
    await eventOf(ben, "deleted");
    const gone = await read(ben, "ana");
    assert.deepEqual([gone.text, gone.deleted, gone.reactions], ["", true, []]);
    const edit: RequestKind = { $case: "edit", value: { to: "ben", id: id(), seq, text: "back" } };
    assert.equal(await ana.refusal(edit), "not_found");
  });

  test("a banned member reads neither in history nor in the list what was edited in afterwards", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const room = await makeRoom(ana);
    await ben.ask("joinRoom", { id: id(), room });
    const { seq } = await ana.send(room, "plain");
    await ana.ask("removeMember", { id: id(), room, user: "ben", ban: true });
    await ana.ask("edit", { to: room, id: id(), seq, text: "secret" });
    const read = async (client: LinkClient) => {
      const { messages } = await client.ask("history", historyRequest({ with: room }));
      const { conversation } = await client.ask("getConversation", { with: room });
      const seen = messages.find((message) => message.seq === seq)!;
      assert.deepEqual(conversation!.last, seen);
      return [seen.text, seen.withheld, seen.editedAtMs > 0];
    };
    assert.deepEqual(await read(ben), ["", true, true]);
    assert.deepEqual(await read(ana), ["secret", false, true]);
  });

  test("only its author edits a message; in a room, moderators delete it too", async (context) => {
    const [ana, ben, cleo] = await people(context, "ana", "ben", "cleo");
    const room = await makeRoom(ana);
    for (const client of [ben, cleo]) await client.ask("joinRoom", { id: id(), room });
    const { seq } = await ben.send(room, "mine");
    const edit = (client: LinkClient) =>
      client.refusal({ $case: "edit", value: { to: room, id: id(), seq, text: "not mine" } });
    assert.deepEqual([await edit(ana), await edit(cleo)], ["permission_denied", "permission_denied"]);
    const remove: RequestKind = { $case: "delete", value: { to: room, id: id(), seq } };
    assert.equal(await cleo.refusal(remove), "permission_denied");
    await ana.ask("setRole", { id: id(), room, user: "cleo", role: Role.MODERATOR });
    await cleo.ask("delete", { to: room, id: id(), seq });
    assert.equal((await eventOf(ben, "deleted")).sender, "cleo");
  });

  test("a client of protocol 1 is sent what people write in rooms, and no events", async (context) => {
    const [ana, ben] = await people(context, "ana", "ben");
    const { token } = await register(context.server, "old");
    const old = await context.session(token);
    const room = await makeRoom(ana);
    await ben.ask("joinRoom", { id: id(), room });
    // An old client cannot join by itself, but its user can with another.
    const newer = await context.session(token, { protocolVersion: 2, consumer: "newer" });
    await newer.ask("joinRoom", { id: id(), room });
    const { seq } = await ana.send(room, "1");
    await ana.ask("edit", { to: room, id: id(), seq, text: "one" });
    await ana.ask("react", { to: room, id: id(), seq, emoji: "👍", remove: false });
    await ana.send(room, "2");
    assert.deepEqual(await old.received(2), ["1", "2"]);
    assert.ok(old.items.every((item) => ["reply", "message", "presence", "deliveryChanged"].includes(item.$case)));
    assert.ok(old.messages.every(({ event }) => event === undefined));
    await old.send(room, "3");
    await until(() => texts(ana.messages).includes("3"));
    const { conversations } = await old.ask("listConversations", { limit: 0, beforePosition: 0 });
    assert.deepEqual(conversations.map(({ address, last }) => [address, last!.text]), [[room, "3"]]);
  });

  test("who was away gets the events of a room in order when they come back", async (context) => {
    const { server, session } = context;
    const [ana] = await people(context, "ana");
    const { token } = await register(server, "ben");
    const ben = await session(token, { protocolVersion: 2 });
    const room = await makeRoom(ana);
    await ben.ask("joinRoom", { id: id(), room });
    await ben.close();
    await ana.ask("setTopic", { id: id(), room, topic: "outage" });
    const { seq } = await ana.send(room, "first");
    await ana.ask("edit", { to: room, id: id(), seq, text: "First" });
    await ana.ask("removeMember", { id: id(), room, user: "ben", ban: false });
    await ana.send(room, "unseen");
    const back = await session(token, { protocolVersion: 2 });
    await eventOf(back, "removed");
    const seen = back.messages.filter(({ sender }) => sender === "ana").map(({ event, text }) => [
      event?.kind?.$case ?? "message",
      text,
    ]);
    // What is read from the store is what became of it.
    assert.deepEqual(seen, [["topicChanged", "outage"], ["message", "First"], ["edited", "First"], ["removed", ""]]);
  });
}
