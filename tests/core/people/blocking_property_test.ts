import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChatError } from "../../../src/core/chat_error.ts";
import type { Change, ChangeResult } from "../../../src/core/messages/message_store.ts";
import { openPostgresChatStore } from "../../support/databases/postgres_chat_store.ts";
import { propertyRuns, storesAnswerLate } from "../../support/fakes/late_store.ts";
import { FakeSubscriber, TestChat } from "../../support/servers/test_chat.ts";
import { TestMessageStore } from "../../support/servers/test_message_store.ts";
import { type OpenChatStore, TestStore } from "../../support/servers/test_store.ts";
import { turns } from "../../support/waiting/turns.ts";

type Step = "send" | "react" | "edit" | "block" | "unblock" | "wait";

/** Tells late of what it has written. */
class LateStore extends TestMessageStore {
  delays: readonly number[] = [0];
  #calls = 0;

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    const results = await super.commit(changes);
    await turns(this.delays[this.#calls++ % this.delays.length]);
    return results;
  }
}

function property(
  name: string,
  open: OpenChatStore,
  { numRuns, maxSteps }: { numRuns: number; maxSteps: number },
): void {
  Deno.test(`${name}: what is offered live is what the log shows, however blocks and messages cross`, async () => {
    const property = fc.asyncProperty(
      fc.array(fc.constantFrom<Step>("send", "send", "react", "edit", "block", "unblock", "wait"), {
        maxLength: maxSteps,
      }),
      fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 5 }),
      async (steps, delays) => {
        const store = await open((log) => new LateStore(log));
        store.messages.delays = delays;
        await using test = await TestChat.open({ store });
        const { posting, settings } = test.chat;
        const id = () => test.draft("ana").id;
        await test.chat.rooms.create({ user: "ana" }, { id: id(), name: "ops", isPublic: true, historyVisible: true });
        for (const user of ["ben", "cleo"]) await test.chat.rooms.join({ user }, { id: id(), room: "#ops" });
        const first = await test.send("ana", "#ops", "first");
        await settings.load("ben");
        const ben = new FakeSubscriber({ user: "ben" });
        const start = test.chat.head;
        test.chat.subscribe(ben);
        const changes = new Set<number>();
        const running = steps.map(async (step, index) => {
          await turns(index);
          if (step === "send") await test.send("ana", index % 2 === 0 ? "ben" : "#ops");
          if (step === "block") await settings.block("ben", "ana");
          if (step === "unblock") await settings.unblock("ben", "ana");
          if (step === "edit") {
            const edit = { to: "#ops", seq: first.seq, text: `edited ${index}`, id: id() };
            changes.add((await posting.submit(await posting.checkEdit("ana", edit))).position);
          }
          if (step !== "react") return;
          const reaction = { to: "#ops", seq: first.seq, emoji: "👍", remove: index % 2 === 0, id: id() };
          const draft = await posting.checkReaction(index % 3 === 0 ? "ana" : "cleo", reaction);
          const reacted = await posting.submit(draft).catch((error) => {
            // There was no such reaction to withdraw.
            if (!reaction.remove || (error as ChatError).code !== "not_found") throw error;
          });
          if (reacted !== undefined) changes.add(reacted.position);
        });
        await Promise.all(running);
        const limits = { limit: 1_000, maxBytes: 1_000_000 };
        const { messages } = await store.messages.messagesAfter("ben", start, limits);
        const shown = messages.map(({ position }) => position);
        const offered = ben.offered.map(({ message }) => message.position);
        const told = new Set([...offered, ...ben.lookedUp]);
        assert.deepEqual(offered.filter((position) => !shown.includes(position)), [], "offered, and not to be seen");
        assert.deepEqual(shown.filter((position) => !told.has(position)), [], "to be seen, and not told of");
        // While a block is being stored, only the store knows what it hides.
        const hasBlocks = steps.includes("block") || steps.includes("unblock");
        assert.ok(
          hasBlocks || ben.lookedUp.every((position) => changes.has(position)),
          "a message was to be looked up",
        );
      },
    );
    await fc.assert(property, { numRuns: propertyRuns(numRuns) });
  });
}

property("sqlite", TestStore.openWith, { numRuns: 60, maxSteps: 60 });
if (!storesAnswerLate()) property("postgres", openPostgresChatStore, { numRuns: 15, maxSteps: 30 });
