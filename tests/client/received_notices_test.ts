import assert from "node:assert/strict";
import { ReceivedNotices } from "../../src/client/received_notices.ts";
import type { Message } from "../../src/core/messages/message.ts";
import type { Notice } from "../../src/core/people/notice.ts";
import { ManualTimers } from "../support/fakes/manual_timers.ts";

function open() {
  const timers = new ManualTimers();
  const told: string[] = [];
  const notices = new ReceivedNotices({
    timers,
    emit: (notice) => void told.push(describe(notice)),
    onMissed: () => void told.push("missed"),
  });
  const typing = (user: string, stopped = false, conversation = `ana:${user}`) =>
    notices.receive({ kind: "typing", conversation, user, stopped });
  const changed = (revision: number) => notices.receive({ kind: "state_changed", revision, conversation: undefined });
  return { timers, notices, typing, changed, take: () => told.splice(0) };
}

function describe(notice: Notice): string {
  if (notice.kind === "typing") return `${notice.user} ${notice.stopped ? "stopped" : "types"}`;
  if (notice.kind === "state_changed") return `${notice.revision}`;
  return notice.kind;
}

Deno.test("typing ends 6 s after its last notice", async () => {
  const { timers, typing, take } = open();
  typing("ben");
  await timers.advance(5_000);
  typing("ben");
  await timers.advance(5_999);
  assert.deepEqual(take(), ["ben types"]);
  await timers.advance(1);
  assert.deepEqual(take(), ["ben stopped"]);
  assert.equal(timers.pending, 0);
});

Deno.test("typing ends with its notice, with the message, and with the session", () => {
  const { timers, notices, typing, take } = open();
  const message: Message = {
    position: 1,
    conversation: "ana:ben",
    seq: 1,
    acceptedAt: 1,
    id: "",
    sender: "ben",
    text: "hello",
    ordinal: 1,
  };
  typing("ben");
  typing("ben", true);
  typing("ben", true);
  notices.messageReceived(message);
  assert.deepEqual(take(), ["ben types", "ben stopped"]);
  typing("ben");
  typing("ben", false, "+room");
  notices.messageReceived({ ...message, event: { kind: "edited", target: 1 } });
  notices.messageReceived(message);
  assert.deepEqual(take(), ["ben types", "ben types", "ben stopped"]);
  typing("cleo");
  notices.sessionClosed();
  assert.deepEqual(take(), ["cleo types", "ben stopped", "cleo stopped"]);
  assert.equal(timers.pending, 0);
});

Deno.test("at most 1000 users type at once", () => {
  const { timers, notices, typing, take } = open();
  for (let index = 0; index < 1_100; index++) typing(`u${index}`);
  assert.deepEqual([take().length, timers.pending], [1_000, 1_000]);
  notices.sessionClosed();
  assert.deepEqual([take().length, timers.pending], [1_000, 0]);
});

Deno.test("a gap in the revisions reports missed changes", () => {
  const { notices, changed, take } = open();
  notices.sessionOpened(7);
  for (const revision of [8, 9, 11, 12]) changed(revision);
  assert.deepEqual(take(), ["8", "9", "missed", "11", "12"]);
  notices.sessionOpened(3);
  changed(4);
  assert.deepEqual(take(), ["4"]);
});

Deno.test("all other notices are passed on", () => {
  const { notices, take } = open();
  notices.receive({ kind: "presence", user: "ben", state: "away" });
  notices.receive({ kind: "room_receipts", conversation: "+room", counts: [] });
  assert.deepEqual(take(), ["presence", "room_receipts"]);
});
