import assert from "node:assert/strict";
import fc from "fast-check";
import { Deliveries } from "../../../src/core/messages/deliveries.ts";
import { directConversation } from "../../../src/core/messages/message.ts";
import { LiveSessions } from "../../../src/core/people/live_sessions.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";

type Step =
  | { readonly kind: "send"; readonly sender: string; readonly to: string }
  /** To another device of the recipient. */
  | { readonly kind: "send again"; readonly index: number }
  /** Acknowledges a part of the log, in tenths. */
  | { readonly kind: "acknowledge"; readonly user: string; readonly tenths: number }
  | { readonly kind: "wait" };

interface Sent {
  readonly to: string;
  readonly sender: string;
  readonly conversation: string;
  readonly position: number;
  readonly seq: number;
}

/** Deliveries beside a model that keeps every message until it is acknowledged. */
class ModelledDeliveries {
  readonly #deliveries: Deliveries;
  readonly #log: Sent[] = [];
  #unacknowledged: Sent[] = [];
  /** The newest delivered seq by conversation and recipient. */
  readonly #delivered = new Map<string, number>();
  /** Those that no notice named yet. */
  readonly #due = new Map<string, number>();
  readonly #notices: [string, number][] = [];

  constructor() {
    const live = new LiveSessions();
    live.isOnline = () => true;
    this.#deliveries = new Deliveries({
      live,
      onDelivered: (conversation, user, seq) => this.#notices.push([`${conversation} ${user}`, seq]),
    });
  }

  take(step: Exclude<Step, { kind: "wait" }>): void {
    if (step.kind === "acknowledge") this.#acknowledge(step.user, Math.ceil(this.#log.length * step.tenths / 10));
    else if (step.kind === "send again") this.#send(this.#log.at(step.index));
    else this.#send(this.#add(step.sender, step.to));
  }

  /** Compares the notices with the model, once all are due. */
  check(): void {
    assert.deepEqual(this.#notices.splice(0).sort(), [...this.#due].sort());
    this.#due.clear();
  }

  close(): void {
    this.#deliveries.close();
  }

  #add(sender: string, to: string): Sent {
    const conversation = directConversation(sender, to);
    const seq = this.#log.filter((each) => each.conversation === conversation).length + 1;
    const sent = { sender, to, conversation, seq, position: this.#log.length + 1 };
    this.#log.push(sent);
    return sent;
  }

  #send(sent: Sent | undefined): void {
    if (sent === undefined) return;
    const { to, ...message } = sent;
    this.#unacknowledged.push(sent);
    this.#deliveries.sent(to, { ...message, id: "", text: "", acceptedAt: 0, ordinal: message.seq });
  }

  #acknowledge(user: string, through: number): void {
    const isCovered = ({ to, position }: Sent) => to === user && position <= through;
    for (const { conversation, to, seq } of this.#unacknowledged.filter(isCovered)) {
      const key = `${conversation} ${to}`;
      if (seq <= (this.#delivered.get(key) ?? 0)) continue;
      this.#delivered.set(key, seq);
      this.#due.set(key, seq);
    }
    this.#unacknowledged = this.#unacknowledged.filter((sent) => !isCovered(sent));
    this.#deliveries.acknowledged(user, through);
  }
}

const sender = fc.constantFrom("ana", "ben");
const recipient = fc.constantFrom("cleo", "dan");
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("send" as const), sender, to: recipient }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("send again" as const), index: fc.nat({ max: 3 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("acknowledge" as const), user: recipient, tenths: fc.nat({ max: 10 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const) }) },
);
const older: Step[] = [
  { kind: "send", sender: "ana", to: "cleo" },
  { kind: "send", sender: "ana", to: "cleo" },
  { kind: "send again", index: 0 },
  { kind: "acknowledge", user: "cleo", tenths: 10 },
];

Deno.test("a notice names the newest delivery to a user in a conversation, and no delivery is named again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
      using time = new FakeTime();
      const deliveries = new ModelledDeliveries();
      for (const step of [...steps, { kind: "wait" } as const]) {
        if (step.kind !== "wait") {
          deliveries.take(step);
          continue;
        }
        await time.tick(1_000);
        deliveries.check();
      }
      deliveries.close();
    }),
    { examples: [[older]] },
  );
});
