/** How the client leaves servers, waits and connects again. */
import assert from "node:assert/strict";
import type { ChatClient } from "../../src/client/chat_client.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { FakeChatServer } from "../support/fakes/fake_chat_server.ts";
import { settle } from "../support/fakes/manual_timers.ts";
import { withClient } from "../support/fakes/with_client.ts";

function reasonOf(client: ChatClient): string {
  return client.state.kind === "offline" ? client.state.reason.message : `${client.state.kind}, no reason`;
}

Deno.test("a replaced session ends the client, and a server that shuts down does not", async () => {
  await withClient(async ({ client, server, timers, running }) => {
    for (const session of server.sessions) session.end(new ChatError("unavailable", "Shutting down."));
    await timers.until(() => client.state.kind === "offline");
    await timers.until(() => client.state.kind === "online");
    for (const session of server.sessions) session.end(new ChatError("session_replaced", "Elsewhere."));
    assert.equal((await running)?.message, "Elsewhere.");
  });
});

Deno.test("waits grow from half a second to half a minute, and begin again after a stable connection", async () => {
  await withClient(async ({ client, server, timers }) => {
    const waits: number[] = [];
    const fail = async () => {
      await timers.until(() => client.state.kind === "offline");
      assert.ok(client.state.kind === "offline");
      waits.push(client.state.retryAt - timers.now());
      await timers.advance(waits.at(-1)!);
    };
    server.down = true;
    server.cut();
    for (let i = 0; i < 9; i++) await fail();
    server.down = false;
    await timers.until(() => client.state.kind === "online");
    server.cut();
    await fail();
    await timers.until(() => client.state.kind === "online");
    await timers.advance(15_000);
    server.cut();
    await fail();
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000, 250]);
  });
});

Deno.test("a server that asks for a longer wait gets it", async () => {
  const server = new FakeChatServer();
  server.refuseHello = () => new ChatError("busy", "Full.", { retryAfterMs: 12_000 });
  await withClient(async ({ client, timers }) => {
    await timers.until(() => client.state.kind === "offline");
    assert.ok(client.state.kind === "offline");
    assert.equal(client.state.retryAt - timers.now(), 12_000);
    assert.equal(client.state.reason.message, "Full.");
  }, { server, online: false });
});

Deno.test("retryNow() ends the wait", async () => {
  await withClient(async ({ client, server }) => {
    server.cut();
    await settle();
    assert.equal(client.state.kind, "offline");
    client.retryNow();
    await settle();
    assert.equal(client.state.kind, "online");
  });
});

Deno.test("the client leaves a server that stops answering within 35 seconds", async () => {
  await withClient(async ({ client, server, timers }) => {
    await timers.advance(47_000);
    assert.equal(client.state.kind, "online");
    server.frozen = true;
    const start = timers.now();
    await timers.until(() => client.state.kind === "offline");
    assert.ok(timers.now() - start <= 35_000, `${timers.now() - start} ms`);
    assert.match(reasonOf(client), /stopped answering/);
  });
});

Deno.test("any frame is a sign of life, also while pings wait for their answer", async () => {
  await withClient(async ({ client, server, timers }) => {
    server.throttled = true;
    for (let round = 0; round < 10; round++) {
      await timers.advance(25_000);
      assert.equal(client.state.kind, "online");
      for (const session of server.sessions) session.tellPresence("ben", round % 2 === 0);
    }
    await timers.until(() => client.state.kind === "offline", 35_000);
    assert.match(reasonOf(client), /stopped answering/);
  });
});

Deno.test("the client leaves a server that accepts connections and sends nothing", async () => {
  const server = new FakeChatServer();
  server.frozen = true;
  await withClient(async ({ client, timers }) => {
    await timers.until(() => client.state.kind === "offline", 21_000);
    assert.match(reasonOf(client), /did not answer in time/);
  }, { server, online: false });
});

Deno.test("another epoch drops the cursor, and is reported", async () => {
  await withClient(async ({ client, server, timers, texts, events }) => {
    for (let i = 0; i < 5; i++) server.append("ben", "ana", `old ${i}`);
    server.deliverAll();
    await timers.advance(1_000);
    assert.equal(client.resumePoint?.after, 5);
    server.restore([]);
    server.cut();
    await timers.until(() => client.state.kind === "online");
    assert.ok(client.state.kind === "online" && client.state.restored);
    assert.deepEqual(client.resumePoint, { epoch: "epoch-1+", incarnation: "incarnation-1", after: 0 });
    server.append("ben", "ana", "new");
    server.deliverAll();
    await timers.advance(1);
    assert.deepEqual(texts().slice(5), ["new"]);
    assert.equal(events.filter((e) => e.kind === "state" && e.state.kind === "online" && e.state.restored).length, 1);
  });
});

Deno.test("a log that was put back drops the cursor and own positions, and a restart of the server drops nothing", async () => {
  await withClient(async ({ client, server, timers, texts }) => {
    const restored = () => client.state.kind === "online" && client.state.restored;
    const reconnect = async () => {
      server.cut();
      await timers.until(() => client.state.kind === "offline");
      await timers.until(() => client.state.kind === "online");
    };
    for (let i = 1; i <= 5; i++) server.append("ben", "ana", `old ${i}`);
    server.deliverAll();
    await timers.advance(1_000);
    server.putBack(5);
    await reconnect();
    assert.equal(restored(), false);
    assert.deepEqual(client.resumePoint, { epoch: "epoch-1", incarnation: "incarnation-1+", after: 5 });
    server.putBack(3);
    for (let i = 4; i <= 9; i++) server.append("ben", "ana", `new ${i}`);
    await reconnect();
    await timers.advance(1_000);
    assert.equal(restored(), true);
    assert.deepEqual(texts().slice(5), [4, 5, 6, 7, 8, 9].map((i) => `new ${i}`));
  });
});
