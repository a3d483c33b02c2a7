import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { PresenceState } from "../../src/gen/chatd/v1/chat.ts";
import type { Item } from "../../src/gen/chatd/v1/session.ts";
import { DirectMessages } from "../../src/gen/chatd/v1/settings.ts";
import type { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { until } from "../support/waiting/turns.ts";
import { historyRequest, sendRequest } from "../support/servers/wire_values.ts";
import { type DefineTest, openAll, register, type TransportTest } from "./transport_harness.ts";

type ItemKind = NonNullable<Item["kind"]>;
type ItemValue<Name extends ItemKind["$case"]> = Extract<ItemKind, { $case: Name }>["value"];

const unchanged = {
  readReceipts: undefined,
  presence: undefined,
  directMessages: DirectMessages.UNSPECIFIED,
  displayName: undefined,
  status: undefined,
};
const nothingBlocked = {
  settings: {
    readReceipts: true,
    presence: true,
    directMessages: DirectMessages.ANYONE,
    displayName: "",
    status: "",
  },
  blocked: [],
};

function notices<Name extends ItemKind["$case"]>(client: LinkClient, name: Name): ItemValue<Name>[] {
  return client.items.flatMap((item) => item.$case === name ? [item.value as ItemValue<Name>] : []);
}

/** Returns the first such notice, received or to come. */
async function notice<Name extends ItemKind["$case"]>(
  client: LinkClient,
  name: Name,
  matches: (value: ItemValue<Name>) => boolean,
): Promise<ItemValue<Name>> {
  const find = () => notices(client, name).find(matches);
  await until(() => find() !== undefined, { what: `a ${name} as expected` });
  return find()!;
}

/** Registers each user and opens a session that subscribes to everything. */
async function openKnowing(
  { server, session }: Pick<TransportTest, "server" | "session">,
  ...users: string[]
): Promise<LinkClient[]> {
  const clients: LinkClient[] = [];
  for (const user of users) {
    clients.push(await session((await register(server, user)).token, { protocolVersion: 2 }));
  }
  return clients;
}

/** Waits until all notices caused by earlier requests have arrived. */
async function settle(...clients: LinkClient[]): Promise<void> {
  for (const client of clients) await client.ask("ping", {});
}

/** Notices between users beside messages. */
export function transportPeople(test: DefineTest): void {
  test("the other user of a conversation is told of deliveries and reads, and may ask for them", async (given) => {
    const [ana, ben] = await openKnowing(given, "ana", "ben");
    for (const text of ["1", "2"]) await ana.send("ben", text);
    await ben.received(2);
    ben.acknowledge();
    const delivered = await notice(ana, "receipt", ({ deliveredSeq }) => deliveredSeq === 2);
    assert.deepEqual(delivered, { conversation: "ana:ben", user: "ben", readSeq: 0, deliveredSeq: 2 });
    const readers = (seq: number) => ana.ask("listReaders", { with: "ben", seq });
    assert.deepEqual(await readers(1), { users: [], count: 0 });
    await ben.ask("read", { with: "ana", seq: 1 });
    const read = await notice(ana, "receipt", ({ readSeq }) => readSeq > 0);
    assert.deepEqual(read, { conversation: "ana:ben", user: "ben", readSeq: 1, deliveredSeq: 0 });
    assert.deepEqual(await readers(1), { users: ["ben"], count: 1 });
    assert.deepEqual(await readers(2), { users: [], count: 0 });
    const { conversation } = await ben.ask("getConversation", { with: "ana" });
    assert.deepEqual([conversation?.readSeq, conversation?.unread], [1, 1]);
    const asAnaSees = (await ana.ask("getConversation", { with: "ben" })).conversation;
    assert.equal(asAnaSees?.peerReadSeq, 1);
  });

  test("a user's other sessions are told of their reads and of changes", async ({ server, session }) => {
    const [ben] = await openAll(server, session, "ben");
    const { token } = await register(server, "ana");
    const laptop = await session(token, { protocolVersion: 2 });
    const other = await session(token, { protocolVersion: 2, consumer: "other" });
    await ben.send("ana", "hello");
    await laptop.ask("read", { with: "ben", seq: 1 });
    const { readSeq } = await notice(other, "receipt", ({ user }) => user === "ana");
    assert.equal(readSeq, 1);
    await notice(other, "stateChanged", ({ conversation }) => conversation === "ana:ben");
    await settle(ben);
    assert.deepEqual([notices(ben, "receipt"), notices(ben, "stateChanged")], [[], []]);
  });

  test("a room is told how many members have read which message", async (given) => {
    const [ana, ben, cleo] = await openKnowing(given, "ana", "ben", "cleo");
    await ana.ask("createRoom", { id: createMessageId(), name: "ops", public: true, historyVisible: true });
    for (const each of [ben, cleo]) await each.ask("joinRoom", { id: createMessageId(), room: "#ops" });
    const { seq, conversation } = await ana.send("#ops", "hello");
    for (const each of [ben, cleo]) await each.ask("read", { with: "#ops", seq });
    const counted = await notice(
      ana,
      "roomReceipts",
      ({ counts }) => counts.some((each) => each.seq === seq && each.readers >= 2),
    );
    assert.equal(counted.conversation, conversation);
    assert.deepEqual(await ana.ask("listReaders", { with: "#ops", seq }), { users: ["ben", "cleo"], count: 2 });
    assert.deepEqual(notices(ana, "receipt").filter(({ user }) => user !== "ana"), []);
  });

  test("typing is announced to its recipients, except those who block the sender", async (given) => {
    const [ana, ben, cleo] = await openKnowing(given, "ana", "ben", "cleo");
    await ana.ask("typing", { to: "ben", stopped: false });
    await ana.ask("typing", { to: "ben", stopped: true });
    const about = { conversation: "ana:ben", user: "ana" };
    await notice(ben, "typing", ({ stopped }) => stopped);
    assert.deepEqual(notices(ben, "typing"), [{ ...about, stopped: false }, { ...about, stopped: true }]);
    await cleo.ask("blockUser", { user: "ana", unblock: false });
    await ana.ask("typing", { to: "cleo", stopped: false });
    await settle(ana, cleo);
    assert.deepEqual([notices(ana, "typing"), notices(cleo, "typing")], [[], []]);
    const typing = (to: string): RequestKind => ({ $case: "typing", value: { to, stopped: false } });
    assert.equal(await ana.refusal(typing("nobody")), "not_found");
    assert.equal(await ana.refusal(typing("#nowhere")), "not_found");
  });

  test("settings change independently, and each change gets a revision", async ({ server, session, link }) => {
    const { token } = await register(server, "ana");
    const ana = await session(token, { protocolVersion: 2 });
    const other = await link();
    const { stateRevision } = await other.hello(token, { protocolVersion: 2, consumer: "other" });
    assert.ok(stateRevision > 0);
    assert.deepEqual(await ana.ask("getSettings", {}), nothingBlocked);
    await ana.ask("updateSettings", { ...unchanged, presence: false });
    const { settings } = await ana.ask("updateSettings", {
      ...unchanged,
      readReceipts: false,
      directMessages: DirectMessages.CONTACTS,
    });
    const expected = {
      ...nothingBlocked.settings,
      readReceipts: false,
      presence: false,
      directMessages: DirectMessages.CONTACTS,
    };
    assert.deepEqual(settings, expected);
    assert.deepEqual(await other.ask("getSettings", {}), { settings: expected, blocked: [] });
    await notice(other, "stateChanged", ({ revision }) => revision === stateRevision + 2);
    assert.deepEqual(notices(other, "stateChanged").map(({ conversation }) => conversation), ["", ""]);
    const wrong: RequestKind = {
      $case: "updateSettings",
      value: { ...unchanged, directMessages: 99 as DirectMessages },
    };
    assert.equal(await ana.refusal(wrong), "invalid_argument");
  });

  test("a display name and a status are shown beside the name, and changes reach the others", async (given) => {
    const [ana, ben, cleo] = await openKnowing(given, "ana", "ben", "cleo");
    await ana.send("ben", "hello");
    const name = { displayName: "Ana L\u00f3pez", status: "on call" };
    const { settings } = await ana.ask("updateSettings", { ...unchanged, ...name });
    assert.deepEqual(settings, { ...nothingBlocked.settings, ...name });
    await notice(ben, "stateChanged", ({ conversation }) => conversation === "ana:ben");
    const { conversation } = await ben.ask("getConversation", { with: "ana" });
    assert.deepEqual([conversation?.address, conversation?.displayName, conversation?.status], [
      "ana",
      "Ana L\u00f3pez",
      "on call",
    ]);
    const { conversations } = await ben.ask("listConversations", { beforePosition: 0, limit: 0 });
    assert.deepEqual(conversations.map(({ displayName }) => displayName), ["Ana L\u00f3pez"]);
    const { users } = await cleo.ask("listUsers", { after: "", limit: 0 });
    assert.deepEqual(users.map(({ name, displayName, status }) => [name, displayName, status]), [
      ["ana", "Ana L\u00f3pez", "on call"],
      ["ben", "", ""],
      ["cleo", "", ""],
    ]);
    await ana.ask("createRoom", { id: createMessageId(), name: "ops", public: true, historyVisible: true });
    const { members } = await ana.ask("listMembers", { room: "#ops", after: "", limit: 0 });
    assert.deepEqual(members.map(({ user, displayName }) => [user, displayName]), [["ana", "Ana L\u00f3pez"]]);
    await settle(cleo);
    assert.deepEqual(notices(cleo, "stateChanged"), [], "a user without a conversation with ana is not told");
    // It is no address.
    const write: RequestKind = {
      $case: "send",
      value: sendRequest({ to: "lopez", id: createMessageId(), text: "hello" }),
    };
    assert.equal(await ben.refusal(write), "not_found");
  });

  test("a display name that looks like another user's name is refused, and few changes are made at once", async (given) => {
    const [ana, ben] = await openKnowing(given, "ana", "ben");
    const change = (displayName: string): RequestKind => ({
      $case: "updateSettings",
      value: { ...unchanged, displayName },
    });
    assert.equal(await ben.refusal(change("An\u0430")), "already_exists");
    assert.equal(await ben.refusal(change("\u202eana")), "invalid_argument");
    for (let times = 0; times < 8; times++) await ben.ask("updateSettings", { ...unchanged, status: `${times}` });
    assert.equal(await ben.refusal(change("Ben")), "rate_limited");
    await ben.ask("updateSettings", { ...unchanged, presence: false });
    await ana.ask("updateSettings", { ...unchanged, displayName: "" });
  });

  test("nothing from a blocked user arrives, then or later, and the user is not told", async (given) => {
    const [ana, ben] = await openKnowing(given, "ana", "ben");
    await ben.send("ana", "before");
    await ana.ask("blockUser", { user: "ben", unblock: false });
    assert.deepEqual((await ana.ask("getSettings", {})).blocked, ["ben"]);
    await ben.send("ana", "hidden");
    await ana.send("ben", "from ana");
    await ana.ask("blockUser", { user: "ben", unblock: true });
    await ben.send("ana", "after");
    assert.deepEqual(await ana.received(2), ["before", "after"]);
    const { messages } = await ana.ask("history", historyRequest({ with: "ben" }));
    assert.deepEqual(messages.map(({ text }) => text), ["before", "from ana", "after"]);
    assert.deepEqual(await ben.received(1), ["from ana"]);
    const block = (user: string): RequestKind => ({ $case: "blockUser", value: { user, unblock: false } });
    assert.equal(await ana.refusal(block("ana")), "invalid_argument");
    assert.equal(await ana.refusal(block("nobody")), "not_found");
  });

  test("a user who accepts messages from contacts only refuses others with the reason", async (given) => {
    const [ana, ben] = await openKnowing(given, "ana", "ben");
    const settings = (directMessages: DirectMessages) => ana.ask("updateSettings", { ...unchanged, directMessages });
    const send = (): RequestKind => {
      return { $case: "send", value: sendRequest({ to: "ana", id: createMessageId(), text: "hello" }) };
    };
    await settings(DirectMessages.CONTACTS);
    const [id] = ben.request(send());
    const refused = await ben.reply(id);
    assert.equal(refused.$case, "error");
    assert.deepEqual(refused.$case === "error" && [refused.value.code, refused.value.message.slice(0, 33)], [
      "permission_denied",
      "ana accepts direct messages only ",
    ]);
    await ana.send("ben", "hello");
    await ben.send("ana", "hello too");
    await settings(DirectMessages.NOBODY);
    assert.equal(await ben.refusal(send()), "permission_denied");
    assert.deepEqual(await ana.received(1), ["hello too"]);
  });

  test("being away is announced to peers and listed, unless the user hides it", async (given) => {
    const [ana, ben] = await openKnowing(given, "ana", "ben");
    await ana.send("ben", "hello");
    const listed = async (name: string) => {
      const { users } = await ben.ask("listUsers", { after: "", limit: 0 });
      const { online, state } = users.find((user) => user.name === name)!;
      return [online, state];
    };
    await ana.ask("setAway", { away: true });
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.AWAY);
    assert.deepEqual(await listed("ana"), [true, PresenceState.AWAY]);
    await ana.ask("setAway", { away: false });
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.ONLINE);
    assert.deepEqual(await listed("ana"), [true, PresenceState.ONLINE]);
    await ana.ask("updateSettings", { ...unchanged, presence: false });
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.OFFLINE);
    assert.deepEqual(await listed("ana"), [false, PresenceState.UNSPECIFIED]);
    await ana.ask("updateSettings", { ...unchanged, presence: true });
    await ana.close();
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.OFFLINE);
    await until(() => given.server.chat.presence.stateOf("ana") === "offline");
    assert.deepEqual(await listed("ana"), [false, PresenceState.OFFLINE]);
    const { users } = await ben.ask("listUsers", { after: "", limit: 0 });
    assert.ok(users.find(({ name }) => name === "ana")!.lastSeenMs > 1_700_000_000_000);
  });

  test("a user is not online because a program of theirs runs, unless the program says so", async (given) => {
    const [ben] = await openKnowing(given, "ben");
    const { token } = await register(given.server, "ana");
    const tail = await given.session(token, { protocolVersion: 2, consumer: "tail:alerts" });
    await tail.send("ben", "from a script");
    const listed = async () => {
      const { users } = await ben.ask("listUsers", { after: "", limit: 0 });
      const { online, state, lastSeenMs } = users.find(({ name }) => name === "ana")!;
      return [online, state, lastSeenMs];
    };
    await settle(ben, tail);
    assert.deepEqual(await listed(), [false, PresenceState.OFFLINE, 0]);
    assert.deepEqual(notices(ben, "presence"), []);
    const screen = await given.session(token, { protocolVersion: 2, consumer: "ui-2" });
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.ONLINE);
    await screen.close();
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.OFFLINE);
    await tail.ask("setAway", { away: false });
    assert.deepEqual(await listed(), [true, PresenceState.ONLINE, 0]);
  });

  test("the first message tells both users of each other's presence, and so does joining a room", async (given) => {
    const [ana, ben, cleo] = await openKnowing(given, "ana", "ben", "cleo");
    await ben.ask("setAway", { away: true });
    await ana.send("ben", "hello");
    await notice(ana, "presence", ({ user, state }) => user === "ben" && state === PresenceState.AWAY);
    await notice(ben, "presence", ({ user, state }) => user === "ana" && state === PresenceState.ONLINE);
    await ben.ask("setAway", { away: false });
    await notice(ana, "presence", ({ user, state }) => user === "ben" && state === PresenceState.ONLINE);
    assert.deepEqual(notices(cleo, "presence"), []);
    const room = { id: createMessageId(), name: "ops", public: true, historyVisible: true, topic: "" };
    await ana.ask("createRoom", room);
    await cleo.ask("joinRoom", { id: createMessageId(), room: "#ops" });
    await notice(cleo, "presence", ({ user, state }) => user === "ana" && state === PresenceState.ONLINE);
    await notice(ana, "presence", ({ user, state }) => user === "cleo" && state === PresenceState.ONLINE);
    await settle(ben);
    assert.deepEqual(notices(ben, "presence").filter(({ user }) => user === "cleo"), []);
  });

  test("a client of protocol version 1 receives only messages and presence", async ({ server, session }) => {
    const [ana] = await openKnowing({ server, session }, "ana");
    const [ben] = await openAll(server, session, "ben");
    await ana.send("ben", "hello");
    await ben.received(1);
    await ana.ask("typing", { to: "ben", stopped: false });
    await ben.ask("updateSettings", { ...unchanged, readReceipts: true });
    await ana.ask("react", { id: createMessageId(), to: "ben", seq: 1, emoji: "👍", remove: false });
    await ana.send("ben", "again");
    assert.deepEqual(await ben.received(2), ["hello", "again"]);
    await settle(ben);
    const kinds = new Set(ben.items.map(({ $case }) => $case));
    kinds.delete("presence");
    kinds.delete("deliveryChanged");
    assert.deepEqual([...kinds].sort(), ["message", "reply"]);
  });
}
