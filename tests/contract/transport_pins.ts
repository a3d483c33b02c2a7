import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { type Message, Role } from "../../src/gen/chatd/v1/chat.ts";
import type { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { historyRequest } from "../support/servers/wire_values.ts";
import { until } from "../support/waiting/turns.ts";
import { type DefineTest, register, type TransportTest } from "./transport_harness.ts";

const id = createMessageId;

async function people({ server, session }: TransportTest, ...users: string[]): Promise<LinkClient[]> {
  const clients: LinkClient[] = [];
  for (const user of users) clients.push(await session((await register(server, user)).token, { protocolVersion: 2 }));
  return clients;
}

function pin(to: string, seq: number, { remove = false } = {}) {
  return { to, seq, remove, id: id() };
}

/** Resolves with what is told of pins: "ana 1" for a pin, "ana -1" for a removed one. */
async function told({ messages }: LinkClient, count: number): Promise<string[]> {
  const brief = ({ sender, event }: Message) =>
    event?.kind?.$case === "pinned" ? [`${sender} ${event.kind.value.removed ? "-" : ""}${event.kind.value.seq}`] : [];
  return await until(() => {
    const pins = messages.flatMap(brief);
    return pins.length >= count ? pins : undefined;
  }, { what: `${count} events of pins` });
}

async function pinned(client: LinkClient, address: string): Promise<[string, string][]> {
  const { pins } = await client.ask("listPins", { with: address, beforePosition: 0, limit: 0 });
  return pins.map(({ message, user }) => [message!.text, user]);
}

/** Pinned messages, for all who are in the conversation and for no one else. */
export function transportPins(test: DefineTest): void {
  test("both users of a conversation pin messages, are told of each other's pins, and see the same list", async (context) => {
    const [ana, ben, cleo] = await people(context, "ana", "ben", "cleo");
    const { seq: first } = await ana.send("ben", "the door code");
    const { seq: second } = await ben.send("ana", "the address");
    const { entry } = await ana.ask("pin", pin("ben", first));
    assert.equal(entry!.seq, second + 1);
    await ben.ask("pin", pin("ana", second));
    assert.deepEqual(await told(ben, 2), [`ana ${first}`, `ben ${second}`]);
    assert.deepEqual(await told(ana, 2), [`ana ${first}`, `ben ${second}`]);
    for (const [client, other] of [[ana, "ben"], [ben, "ana"]] as const) {
      assert.deepEqual(await pinned(client, other), [["the address", "ben"], ["the door code", "ana"]]);
    }
    assert.deepEqual(await pinned(cleo, "ana"), []);
    assert.equal(await ana.refusal({ $case: "pin", value: pin("ben", second) }), "already_exists");
    const removal = pin("ben", second, { remove: true });
    await ana.ask("pin", removal);
    assert.equal((await ana.ask("pin", removal)).entry!.duplicate, true);
    assert.equal(await ana.refusal({ $case: "pin", value: pin("ben", second, { remove: true }) }), "not_found");
    assert.deepEqual((await told(ben, 3)).at(-1), `ana -${second}`);
    const { messages } = await ben.ask("history", historyRequest({ with: "ana" }));
    assert.deepEqual(messages.map(({ pinned }) => pinned), [true, false]);
    await ana.ask("delete", { to: "ben", id: id(), seq: first });
    assert.deepEqual(await pinned(ben, "ana"), []);
  });

  test("in a room, moderators pin and members read the pins, and who is not in it does neither", async (context) => {
    const [ana, ben, cleo, dan] = await people(context, "ana", "ben", "cleo", "dan");
    const room = { id: id(), name: "ops", public: true, historyVisible: false };
    const address = (await ana.ask("createRoom", room)).room!.id;
    const { seq } = await ana.send(address, "before they came");
    for (const client of [ben, cleo]) await client.ask("joinRoom", { id: id(), room: address });
    const { seq: rules } = await ana.send(address, "the rules");
    const asPin = (target: number): RequestKind => ({ $case: "pin", value: pin(address, target) });
    assert.equal(await ben.refusal(asPin(rules)), "permission_denied");
    await ana.ask("setRole", { id: id(), room: address, user: "ben", role: Role.MODERATOR });
    await ben.ask("pin", pin(address, rules));
    await ana.ask("pin", pin(address, seq));
    assert.deepEqual(await pinned(ana, address), [["before they came", "ana"], ["the rules", "ben"]]);
    // Cleo may not read the older message, so she hears nothing of its pin.
    await ana.send(address, "after it");
    await until(() => cleo.messages.some(({ text }) => text === "after it"), { what: "the message after the pins" });
    assert.deepEqual(await told(cleo, 1), [`ben ${rules}`]);
    assert.deepEqual(await pinned(cleo, "#ops"), [["the rules", "ben"]]);
    assert.equal(await ben.refusal(asPin(seq)), "not_found");
    const list = (address: string): RequestKind => ({
      $case: "listPins",
      value: { with: address, beforePosition: 0, limit: 0 },
    });
    assert.equal(await dan.refusal(list(address)), "permission_denied");
    await ana.ask("removeMember", { id: id(), room: address, user: "ben", ban: true });
    await cleo.ask("leaveRoom", { id: id(), room: address });
    for (const client of [ben, cleo]) {
      assert.equal(await client.refusal(asPin(rules)), "permission_denied");
      assert.equal(await client.refusal(list(address)), "permission_denied");
    }
    const nowhere = `+${"a".repeat(26)}`;
    assert.equal(await dan.refusal(list(nowhere)), "not_found");
    assert.equal(await dan.refusal(list("nobody")), "not_found");
    assert.equal(
      await ana.refusal({ $case: "listPins", value: { with: address, beforePosition: 0, limit: 51 } }),
      "invalid_argument",
    );
  });
}
