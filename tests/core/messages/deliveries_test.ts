import assert from "node:assert/strict";
import fc from "fast-check";
import { Deliveries } from "../../../src/core/messages/deliveries.ts";
import { directConversation } from "../../../src/core/messages/message.ts";
import { LiveSessions } from "../../../src/core/people/live_sessions.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

const users = ["ana", "ben", "cleo"] as const;
const user = fc.constantFrom(...users);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("sent" as const), sender: user, to: user }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("again" as const), index: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("acknowledged" as const), user, share: fc.nat({ max: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("told" as const) }) },
);

interface Sent {
  readonly to: string;
  readonly sender: string;
  readonly conversation: string;
  readonly position: number;
  readonly seq: number;
}

Deno.test("a notice names the newest delivery of each conversation and user since the last one, and no older one", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    using time = new FakeTime();
    const live = new LiveSessions();
    live.isOnline = () => true;
    const told: string[] = [];
    const onDelivered = (conversation: string, user: string, seq: number) => {
      told.push(`${conversation} ${user} ${seq}`);
    };
    const deliveries = new Deliveries({ live, onDelivered });
    const log: Sent[] = [];
    const seqs = new Map<string, number>();
    /** Not acknowledged yet. */
    let waiting: Sent[] = [];
    /** The newest acknowledged message by conversation and user. */
    const delivered = new Map<string, number>();
    const expected = new Map<string, number>();
    const send = (sent: Sent) => {
      waiting.push(sent);
      const { position, conversation, seq, sender } = sent;
      deliveries.sent(sent.to, { position, conversation, seq, sender, id: "", text: "", acceptedAt: 0, ordinal: seq });
    };
    const tell = async () => {
      await time.tick(1_000);
      assert.deepEqual(told.splice(0).sort(), [...expected].map(([key, seq]) => `${key} ${seq}`).sort());
      expected.clear();
    };
    for (const step of steps) {
      if (step.kind === "sent") {
        const conversation = directConversation(step.sender, step.to);
        const seq = (seqs.get(conversation) ?? 0) + 1;
        seqs.set(conversation, seq);
        log.push({ ...step, conversation, seq, position: log.length + 1 });
        if (step.sender !== step.to) send(log.at(-1)!);
      } else if (step.kind === "again") {
        const sent = log.at(step.index);
        if (sent !== undefined && sent.sender !== sent.to) send(sent);
      } else if (step.kind === "acknowledged") {
        const position = Math.ceil(log.length * step.share / 10);
        for (
          const { conversation, to, seq } of waiting.filter((each) =>
            each.to === step.user && each.position <= position
          )
        ) {
          const key = `${conversation} ${to}`;
          if (seq <= (delivered.get(key) ?? 0)) continue;
          delivered.set(key, seq);
          expected.set(key, seq);
        }
        waiting = waiting.filter((each) => each.to !== step.user || each.position > position);
        deliveries.acknowledged(step.user, position);
      } else await tell();
    }
    await tell();
    deliveries.close();
  }));
});
