import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatClient } from "../../src/client/chat_client.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { FakeChatServer } from "../support/fakes/fake_chat_server.ts";
import type { LinkLife } from "../support/fakes/fake_session.ts";
import { ManualTimers } from "../support/fakes/manual_timers.ts";

const life: fc.Arbitrary<LinkLife> = fc.record({
  fromClient: fc.integer({ min: 0, max: 6 }),
  toClient: fc.integer({ min: 0, max: 6 }),
});

const step = fc.oneof(
  fc.record({ kind: fc.constant("send" as const), size: fc.integer({ min: 1, max: 900 }) }),
  fc.record({ kind: fc.constant("receive" as const), size: fc.integer({ min: 1, max: 900 }) }),
  fc.constant({ kind: "cut" as const }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3_000 }) }),
);

Deno.test("every message is accepted and shown once and in order, however connections break", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.array(life, { maxLength: 12 }),
      fc.array(fc.boolean(), { maxLength: 12 }),
      async (steps, lives, fullDisk) => {
        const timers = new ManualTimers();
        const server = new FakeChatServer();
        const lifeOf = lives.values();
        server.nextLife = () => lifeOf.next().value;
        const full = fullDisk.values();
        // A full disk refuses all sends.
        let fullUntil = 0;
        server.refuseSend = () => {
          if (timers.now() >= fullUntil && full.next().value) fullUntil = timers.now() + 1_500;
          return timers.now() < fullUntil ? new ChatError("storage_full", "The disk is full.") : undefined;
        };
        const shown: number[] = [];
        const accepted: string[] = [];
        const client = new ChatClient({
          transport: server.transport,
          token: "token-ana",
          client: "test",
          timers,
          outbox: { maxMessages: 5, maxBytes: 3_000 },
          async onEvent(event) {
            if (event.kind === "accepted") accepted.push(event.message.text);
            if (event.kind !== "message") return;
            await Promise.resolve();
            shown.push(event.message.position);
          },
        });
        server.onAck = (position) => {
          const due = server.log.filter((m) => m.sender === "ben" && m.position <= position).map((m) => m.position);
          assert.deepEqual(shown.slice(0, due.length), due, "acknowledged what was not taken");
        };
        const stop = new AbortController();
        const running = client.run({ signal: stop.signal });
        await timers.until(() => client.state.kind === "online");

        const sent: string[] = [];
        const promises: Promise<unknown>[] = [];
        let received = 0;
        for (const each of steps) {
          if (each.kind === "send") {
            sent.push(`${sent.length}:`.padEnd(each.size, "."));
            promises.push(client.send("ben", sent.at(-1)!));
          } else if (each.kind === "receive") {
            server.append("ben", "ana", "x".repeat(each.size));
            received++;
            server.deliverAll();
          } else if (each.kind === "cut") server.cut();
          else await timers.advance(each.ms);
        }
        await timers.until(() => client.unsent === 0 && shown.length >= received);
        await Promise.all(promises);
        await timers.advance(60_000);

        const inLog = server.log.filter(({ sender }) => sender === "ana").map(({ text }) => text);
        const fromBen = server.log.filter(({ sender }) => sender === "ben").map(({ position }) => position);
        assert.deepEqual(inLog, sent);
        assert.deepEqual(accepted, sent);
        assert.deepEqual(shown, fromBen);

        stop.abort();
        assert.equal(await running, undefined);
        assert.equal(timers.pending, 0);
      },
    ),
    { numRuns: 150 },
  );
});
