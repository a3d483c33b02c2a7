import assert from "node:assert/strict";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { type CheckedDraft, Submission, type SubmissionContext } from "../../../src/core/messages/submission.ts";
import type { CurrentRole } from "../../../src/core/rooms/room.ts";
import { RoomState } from "../../../src/core/rooms/room_state.ts";
import { FakeClock } from "../../support/fakes/fake_clock.ts";

const id = `+${"a".repeat(26)}`;

/** Returns those whom a message of the owner ana names, in a room with `count` others of whom every third is online. */
function namedBy(text: string, { sender = "ana", count }: { sender?: string; count: number }): readonly string[] {
  const roles = new Map<string, CurrentRole>([["ana", "owner"], ["invited-3", "invited"]]);
  for (let number = 1; number <= count; number++) roles.set(`user-${number}`, "member");
  const mentionAll = "moderator" as const;
  const record = { name: "ops", topic: "", isPublic: true, historyVisible: false, mentionAll, createdAt: 0, asOf: 1 };
  const room = new RoomState({ ...record, id, roles, inviters: new Map([["invited-3", "ana"]]), firstSeqs: new Map() });
  const draft: CheckedDraft = {
    sender,
    conversation: id,
    members: [],
    room,
    id: createMessageId(),
    text,
    needs: "send",
    refusal: undefined,
  };
  const isOnline = (user: string) => user === "ana" || Number(user.split("-")[1]) % 3 === 0;
  const context = {
    rooms: { peek: () => room },
    presence: { stateOf: (user: string) => isOnline(user) ? "online" : "away" },
    disk: { refusal: () => undefined },
    clock: new FakeClock(),
  } as unknown as SubmissionContext;
  return new Submission({ draft, room, subscriber: undefined }, context).append.here ?? [];
}

Deno.test("@here names the other members who are online, and a member names no one by it", () => {
  assert.deepEqual(namedBy("@here", { count: 7 }), ["user-3", "user-6"]);
  assert.deepEqual(namedBy("@here", { count: 7, sender: "user-3" }), []);
  assert.deepEqual(namedBy("@here and @room", { count: 7 }), []);
});

Deno.test("@here names at most 1,000 members", () => {
  const named = namedBy("@here", { count: 4_000 });
  assert.deepEqual([named.length, named.at(-1)], [1_000, "user-3000"]);
});
