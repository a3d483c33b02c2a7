import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { ClientFrame } from "../../src/gen/chatd/v1/session.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import type { RequestKind } from "../support/servers/received_frames.ts";
import { turns } from "../support/waiting/turns.ts";
import { sendRequest } from "../support/servers/wire_values.ts";
import { type DefineTest, openAll, register } from "./transport_harness.ts";

const ping: RequestKind = { $case: "ping", value: {} };

/** What those meet who ask for too much, or send what is no request. */
export function transportLimits(test: DefineTest): void {
  test("a client that asks and reads no answers is sent away, and others go on", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    for (let round = 0; round < 200 && ana.ended === undefined; round++) {
      ana.request(...Array.from({ length: 400 }, () => ping));
      await turns();
    }
    assert.equal(await ana.end(), "slow_consumer");
    await ben.ask("ping", {});
  }, { rate: { perSecond: 1_000_000, burst: 1_000_000 } });

  test("who asks above the rate is slowed down and served in order, and others go on", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    const ids = ana.request(...Array.from({ length: 30 }, () => ping));
    await ben.ask("ping", {});
    const results = await Promise.all(ids.map((id) => ana.reply(id)));
    assert.ok(results.every(({ $case }) => $case === "ping"));
  }, { rate: { perSecond: 50, burst: 10 } });

  test("a frame that is too long ends the session, and nobody else's", async ({ server, session }) => {
    const [ana, ben] = await openAll(server, session, "ana", "ben");
    ana.request({
      $case: "send",
      value: sendRequest({ to: "ben", id: createMessageId(), text: "x".repeat(80 * 1024) }),
    });
    assert.equal(await ana.end(), "invalid_argument");
    await ben.ask("ping", {});
    assert.equal(server.chat.head, 0);
  });

  test("a frame of 64 KiB is taken", async ({ server, session }) => {
    const [ana] = await openAll(server, session, "ana", "ben");
    const bytes = (text: string) => ClientFrame.encode({ requests: [{ id: 2, kind: send(text) }] }).finish().length;
    const send = (text: string): RequestKind => ({ $case: "send", value: sendRequest({ to: "ben", id: "x", text }) });
    const text = "x".repeat(2 * 64 * 1024 - bytes("x".repeat(64 * 1024)));
    assert.equal(bytes(text), 64 * 1024);
    assert.equal(await ana.refusal(send(text)), "invalid_argument");
    await ana.ask("ping", {});
  });

  test("bytes that are no frame end the session with what is wrong, and nobody else's", async ({ server, session }) => {
    const { token } = await register(server, "ana");
    const [ben] = await openAll(server, session, "ben");
    const badText = ClientFrame.encode({
      requests: [{
        id: 2,
        kind: { $case: "send", value: sendRequest({ to: "ben", id: createMessageId(), text: "xx" }) },
      }],
    }).finish();
    badText.set([0xc3, 0x28], badText.length - 2);
    const wrong: [Uint8Array, RegExp][] = [
      [new Uint8Array([0x0a, 0xff, 0xff]), /malformed/],
      [new Uint8Array(1_000).fill(0xff), /malformed/],
      [badText, /UTF-8/],
    ];
    for (const [bytes, why] of wrong) {
      const raw = await server.openRaw();
      const client = await LinkClient.connect({ ...server.transport, connect: () => Promise.resolve(raw) });
      await client.hello(token, { callback: undefined });
      raw.sendBytes(bytes);
      assert.equal(await client.end(), "invalid_argument");
      assert.match(client.endReason?.message ?? "", why);
      await client.close();
    }
    await ben.ask("ping", {});
    assert.equal(server.chat.head, 0);
  });
}
