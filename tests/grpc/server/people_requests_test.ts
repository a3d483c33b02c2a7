import assert from "node:assert/strict";
import { ChatError } from "../../../src/core/chat_error.ts";
import { defaultSettings } from "../../../src/core/people/settings_store.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { join, type Person, until } from "../../support/servers/person.ts";

/** Ana and ben, who are online and have a conversation. */
async function withTwo(
  use: (people: { ana: Person; ben: Person }) => Promise<void>,
): Promise<void> {
  await using test = await startTestGrpcServer();
  const transport = new GrpcTransport({ host: "127.0.0.1", port: test.server.port, callback: false });
  const people: Person[] = [];
  try {
    for (const user of ["ana", "ben"]) people.push(await join(user, transport));
    const [ana, ben] = people;
    await ana.client.send("ben", "hello");
    await use({ ana, ben });
  } finally {
    for (const person of people) await person.stop();
  }
}

Deno.test("a client reads, asks who read, and keeps it to itself", async () => {
  await withTwo(async ({ ana, ben }) => {
    await ben.client.people.read("ana", 1);
    const readers = () => ana.client.people.readers("ben", 1);
    let count = 0;
    for (const deadline = Date.now() + 20_000; count === 0; count = (await readers()).count) {
      assert.ok(Date.now() < deadline, "it was not read in time");
    }
    assert.deepEqual(await readers(), { users: ["ben"], count: 1 });
    await ana.client.people.updateSettings({ readReceipts: false });
    assert.deepEqual(await readers(), { users: [], count: 0 });
  });
});

Deno.test("a client sets what others see, and whom it does not hear", async () => {
  await withTwo(async ({ ana, ben }) => {
    const { people } = ana.client;
    assert.deepEqual(await people.settings(), { settings: defaultSettings, blocked: [] });
    const settings = await people.updateSettings({ directMessages: "contacts" });
    assert.deepEqual(settings, { ...defaultSettings, directMessages: "contacts" });
    assert.deepEqual(await people.updateSettings({ presence: false }), { ...settings, presence: false });
    await people.block("ben");
    assert.deepEqual((await people.settings()).blocked, ["ben"]);
    await ben.client.send("ana", "hidden");
    await people.unblock("ben");
    await ben.client.send("ana", "seen");
    await until(() => ana.received.length > 0);
    assert.deepEqual(ana.received.map(({ text }) => text), ["seen"]);
    await rejectsWith("not_found", people.block("nobody"));
    await rejectsWith("not_found", people.typing("nobody"));
    await people.typing("ben");
    await people.typing("ben", { stopped: true });
  });
});

Deno.test("who is away is away again over a new connection", async () => {
  await using test = await startTestGrpcServer();
  const ana = await join("ana", new GrpcTransport({ host: "127.0.0.1", port: test.server.port, callback: false }));
  const { live, presence } = test.chat;
  await ana.client.people.setAway(true);
  assert.equal(presence.stateOf("ana"), "away");
  const [before] = live.of("ana");
  before.end(new ChatError("unavailable", "Come back."));
  await until(() => [...live.of("ana")].some((session) => session !== before) && presence.stateOf("ana") === "away");
  await ana.client.people.setAway(false);
  assert.equal(presence.stateOf("ana"), "online");
  await ana.stop();
});
