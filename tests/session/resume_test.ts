import assert from "node:assert/strict";
import { atHead } from "../../src/client/delivery_cursor.ts";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { judgeResume } from "../../src/session/resume.ts";

const [before, newest, lost] = [1, 2, 3].map((time) => createMessageId(time));
/** A log that was opened at 5 for the second time, and has 9 entries. */
const log = {
  epoch: "e".repeat(32),
  incarnation: newest,
  head: 9,
  sharedThrough: (id: string) => Promise.resolve({ [before]: 5, [newest]: 9 }[id]),
};
const restored = { ...log, epoch: "f".repeat(32) };

Deno.test("a position holds as far as its incarnation and this log are the same", async () => {
  const { epoch } = log;
  assert.deepEqual(await judgeResume({ epoch, incarnation: newest, resumeAfter: 7 }, log), {
    epoch,
    sharedThrough: 9,
    after: 7,
    start: { at: 7 },
  });
  const beyond = await judgeResume({ epoch, incarnation: before, resumeAfter: 7 }, log);
  assert.deepEqual(beyond, { epoch, sharedThrough: 5, after: 5, start: { at: 5 } });
  const all = await judgeResume({ epoch, incarnation: lost, resumeAfter: atHead }, log);
  assert.deepEqual(all, { epoch, sharedThrough: 0, after: 9, start: undefined });
  assert.deepEqual(await judgeResume({ epoch: "", incarnation: lost, resumeAfter: 7 }, log), {
    epoch,
    sharedThrough: 9,
    after: 0,
    start: undefined,
  });
});

Deno.test("a new consumer of an incarnation of another log starts where the logs parted", async () => {
  const start = { at: 7, partedFrom: lost };
  for (const { epoch } of [log, restored]) {
    const judged = await judgeResume({ epoch, incarnation: lost, resumeAfter: 7 }, log);
    assert.deepEqual(judged, { epoch: log.epoch, sharedThrough: 0, after: 0, start });
  }
  // A client without incarnations got this one as an epoch.
  const old = await judgeResume({ epoch: lost, incarnation: undefined, resumeAfter: 7 }, log);
  assert.deepEqual(old, { epoch: log.epoch, sharedThrough: 0, after: 0, start });
});

Deno.test("a malformed or empty incarnation counts as unknown", async () => {
  const { epoch } = log;
  for (const incarnation of ["", "x", "a".repeat(60_000), `${newest}\n`, "é".repeat(36)]) {
    const known = await judgeResume({ epoch, incarnation, resumeAfter: 7 }, log);
    assert.deepEqual(known, { epoch, sharedThrough: 9, after: 7, start: { at: 7 } });
    for (const claim of [{ epoch, resumeAfter: 10 }, { epoch: restored.epoch, resumeAfter: 10 }]) {
      const judged = await judgeResume({ ...claim, incarnation }, log);
      assert.deepEqual(judged, { epoch, sharedThrough: 0, after: 0, start: { at: 10, partedFrom: "" } });
    }
  }
});

Deno.test("a client without incarnations gets another epoch while its position does not hold", async () => {
  const { epoch } = log;
  const ask = async (epoch: string, resumeAfter: number) =>
    (await judgeResume({ epoch, incarnation: undefined, resumeAfter }, log)).epoch;
  assert.equal(await ask(epoch, 9), epoch);
  assert.equal(await ask(epoch, 10), newest);
  assert.equal(await ask(newest, 9), newest);
  assert.equal(await ask(before, 5), before);
  assert.equal(await ask(before, 6), epoch);
});

Deno.test("a client that got an incarnation as an epoch, and learns of incarnations, resumes correctly", async () => {
  const first = await judgeResume({ epoch: before, incarnation: "", resumeAfter: 5 }, log);
  assert.deepEqual(first, { epoch: before, sharedThrough: 5, after: 5, start: { at: 5 } });
  const next = await judgeResume({ epoch: before, incarnation: newest, resumeAfter: 8 }, log);
  assert.deepEqual(next, { epoch: before, sharedThrough: 9, after: 8, start: { at: 8 } });
  const beyond = await judgeResume({ epoch: before, incarnation: "", resumeAfter: 6 }, log);
  assert.deepEqual(beyond, { epoch: log.epoch, sharedThrough: 5, after: 5, start: { at: 5 } });
  const late = await judgeResume({ epoch: before, incarnation: lost, resumeAfter: 8 }, log);
  assert.deepEqual(late, { epoch: log.epoch, sharedThrough: 0, after: 0, start: { at: 8, partedFrom: lost } });
});
