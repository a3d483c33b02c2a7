import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatError } from "../../../src/core/chat_error.ts";
import { CommitQueue } from "../../../src/core/messages/commit_queue.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Change, ChangeResult, MessageStore } from "../../../src/core/messages/message_store.ts";
import type { PlainBatch } from "../../../src/core/messages/plain_batch.ts";
import type { LaneBatch, LaneSession } from "../../../src/core/messages/plain_lane.ts";
import { judged, nowhere } from "../../support/servers/pending_entries.ts";
import { directAppend } from "../../support/servers/stored_messages.ts";
import { turns } from "../../support/waiting/turns.ts";

/** How a store answers a call: after so many turns, and whether it stores. */
interface Answer {
  readonly late: number;
  readonly batch: "stored" | "not stored" | "full" | "error";
  readonly entries: "stored" | "full" | "behind";
}

type Step = { kind: "plain"; count: number } | { kind: "entry" | "read" | "settled" } | { kind: "wait"; turns: number };

const prompt: Answer = { late: 0, batch: "stored", entries: "stored" };

/** A log of texts in memory, which answers as it is told and then at once. */
class ToldStore {
  readonly log: string[] = [];
  readonly #answers: Answer[];
  #isBusy = false;

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  async commitPlain(batch: PlainBatch): Promise<boolean> {
    const { batch: outcome, late } = this.#take();
    if (outcome === "stored") this.log.push(...textsOf(batch));
    await this.#answer(late);
    if (outcome === "full") throw full();
    if (outcome === "error") throw new Error("The store failed.");
    return outcome === "stored";
  }

  async commit(changes: readonly Change[]): Promise<ChangeResult[] | "behind"> {
    const { entries: outcome, late } = this.#take();
    const results = changes.map((change) =>
      change.kind === "append" ? { kind: "accepted", message: { text: change.text } } : { kind: "moved" }
    );
    const texts = changes.flatMap((change) => change.kind === "append" ? [change.text] : []);
    if (outcome === "stored") this.log.push(...texts);
    await this.#answer(late);
    if (outcome === "full") throw full();
    return outcome === "behind" ? outcome : results as ChangeResult[];
  }

  #take(): Answer {
    assert.equal(this.#isBusy, false, "a store is asked for one commit at a time");
    this.#isBusy = true;
    return this.#answers.shift() ?? prompt;
  }

  async #answer(late: number): Promise<void> {
    if (late > 0) await turns(late);
    this.#isBusy = false;
  }
}

/** Submits numbered texts to a queue. */
class Submitter {
  readonly store: ToldStore;
  readonly queue: CommitQueue;
  readonly applied: string[] = [];
  readonly failed = new Set<string>();
  count = 0;
  readonly #reactions: Step[];
  readonly #settling: Promise<void>[] = [];

  constructor(answers: readonly Answer[], reactions: readonly Step[]) {
    this.#reactions = [...reactions];
    this.store = new ToldStore(answers);
    this.queue = new CommitQueue({
      store: this.store as unknown as MessageStore,
      defer: (callback) => void setImmediate(callback),
      onCommitted: (entries) => this.#apply(entries.map(({ message }) => message.text)),
      onBatchStored: (batch) => this.#apply(textsOf(batch)),
      onBatchReturned: (batch) => textsOf(batch).forEach((text) => this.#append(text)),
      onBatchError() {},
      onBatchFailed: (batch) => textsOf(batch).forEach((text) => this.failed.add(text)),
    });
  }

  take(step: Step): void {
    if (step.kind === "plain") { for (let count = 0; count < step.count; count++) this.#addPlain(`${this.count++}`); }
    else if (step.kind === "entry") this.#append(`${this.count++}`);
    else if (step.kind === "settled") this.#settling.push(this.#checkSettled());
    else if (step.kind === "read") {
      this.queue.moves.moveRead("ana:ben", "ana", this.count + 1);
      this.queue.moves.makeDue();
    }
  }

  async end(): Promise<void> {
    await this.queue.flush();
    await Promise.all(this.#settling);
  }

  /** Sessions go on while they take the replies, before the entries are applied. */
  #apply(texts: readonly string[]): void {
    const reaction = texts.length > 0 ? this.#reactions.shift() : undefined;
    if (reaction !== undefined) this.take(reaction);
    this.applied.push(...texts);
  }

  #append(text: string): void {
    this.queue.append(judged(directAppend("ana", "ben", { text }))).catch(() => this.failed.add(text));
  }

  #addPlain(text: string): void {
    const session: LaneSession = { onStored() {}, resubmit() {}, onFailed() {} };
    const route = { ...nowhere, sender: "ana", conversation: "ana:ben", recipient: "ben", roomName: undefined };
    const frame = new TextEncoder().encode(createMessageId() + text);
    const request = { route, session, requestId: 1, frame, idAt: 0, textAt: 36, textEnd: frame.length };
    if (!this.queue.addPlain(request, 0)) this.#append(text);
  }

  async #checkSettled(): Promise<void> {
    const stored = [...this.store.log];
    await this.queue.settled();
    assert.deepEqual(this.applied.slice(0, stored.length), stored);
  }
}

function textsOf(batch: PlainBatch | LaneBatch): string[] {
  return Array.from({ length: batch.count }, (_, index) => batch.message(index).text);
}

function full(): ChatError {
  return new ChatError("storage_full", "The disk is full.");
}

/** Yields the first value more often than all others together. */
function often<Value extends string>(first: Value, ...others: Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(first) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const anyAnswer: fc.Arbitrary<Answer> = fc.record({
  late: fc.integer({ min: 0, max: 3 }),
  batch: often("stored", "not stored", "full", "error"),
  entries: often("stored", "full", "behind"),
});
const anySubmission: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("plain" as const), count: fc.integer({ min: 1, max: 16 }) }),
  fc.record({ kind: fc.constantFrom("entry" as const, "read" as const, "settled" as const) }),
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  anySubmission,
  fc.record({ kind: fc.constant("wait" as const), turns: fc.integer({ min: 1, max: 3 }) }),
);

Deno.test("all that is submitted is applied once, in its order, however a store answers", async () => {
  const scripts = fc.tuple(
    fc.array(anyAnswer),
    fc.array(anySubmission),
    fc.array(anyStep, { minLength: 5, maxLength: 30 }),
  );
  await fc.assert(
    fc.asyncProperty(scripts, async ([answers, reactions, steps]) => {
      const submitter = new Submitter(answers, reactions);
      for (const step of steps) {
        if (step.kind === "wait") await turns(step.turns);
        else submitter.take(step);
      }
      await submitter.end();
      const { applied, failed, store } = submitter;
      const all = Array.from({ length: submitter.count }, (_, index) => `${index}`);
      assert.deepEqual(applied, all.filter((text) => !failed.has(text)));
      assert.deepEqual(store.log, applied);
    }),
    { numRuns: 200 },
  );
});
