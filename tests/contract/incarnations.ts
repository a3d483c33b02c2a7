import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { maxIncarnations } from "../../src/store/shared/incarnation_limits.ts";

/** An opening of a log, before the one that a test makes. */
export interface PastOpening {
  readonly id: string;
  readonly head: number;
}

export interface OpenedIncarnations {
  readonly incarnations: {
    readonly current: string;
    begin(head: number): void | Promise<void>;
    sharedThrough(id: string, head: number): number | undefined | Promise<number | undefined>;
    partedAt(foreign: string): number | Promise<number>;
  };
  /** The heads of all openings, the oldest first. */
  heads(): number[] | Promise<number[]>;
  close(): void | Promise<void>;
}

/** What the openings of every log keep to. `open` gives a store that was opened before. */
export function incarnationsContract(
  name: string,
  open: (past: readonly PastOpening[]) => OpenedIncarnations | Promise<OpenedIncarnations>,
): void {
  function test(behaviour: string, past: readonly PastOpening[], run: (opened: OpenedIncarnations) => Promise<void>) {
    Deno.test(`${name}: ${behaviour}`, async () => {
      const opened = await open(past);
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });
  }

  const past = [[1_000, 0], [2_000, 5], [3_000, 9]].map(([time, head]) => ({ id: createMessageId(time), head }));

  test(
    "partedAt() returns the head of the next opening by time, or of the newest if there is none",
    past,
    async ({ incarnations }) => {
      assert.equal(await incarnations.partedAt(createMessageId(1_500)), 5);
      assert.equal(await incarnations.partedAt(createMessageId(500)), 0);
      for (const none of [createMessageId(9_000), ""]) assert.equal(await incarnations.partedAt(none), 9);
    },
  );

  test("partedAt() returns 0 for a log that was never opened", [], async ({ incarnations }) => {
    assert.equal(await incarnations.partedAt(""), 0);
  });

  test("partedAt() passes by the newest opening, though a clock that was behind made it the oldest by time", [
    ...past,
    { id: createMessageId(100), head: 12 },
  ], async ({ incarnations }) => {
    assert.equal(await incarnations.partedAt(createMessageId(1_500)), 5);
    assert.equal(await incarnations.partedAt(""), 12);
  });

  test(
    "sharedThrough() returns the head of the next opening, and the present head for the newest",
    past,
    async ({ incarnations }) => {
      assert.equal(incarnations.current, "");
      await Promise.all([incarnations.begin(20), incarnations.begin(20)]);
      const shared = [...past.map(({ id }) => id), incarnations.current].map((id) =>
        incarnations.sharedThrough(id, 33)
      );
      assert.deepEqual(await Promise.all(shared), [5, 9, 20, 33]);
      assert.equal(await incarnations.sharedThrough(createMessageId(), 33), undefined);
    },
  );

  // Every third one is followed by entries.
  const many = Array.from({ length: maxIncarnations }, (_, number) => {
    return { id: createMessageId(number), head: Math.ceil(number / 3) };
  });

  test("begin() forgets openings without entries first, and then the oldest", many, async ({ incarnations, heads }) => {
    await incarnations.begin(2_000);
    const left = await heads();
    assert.equal(left.length, maxIncarnations);
    assert.equal(new Set(left).size, new Set(many.map(({ head }) => head)).size + 1);
  });

  const used = Array.from({ length: maxIncarnations }, (_, head) => ({ id: createMessageId(head), head }));

  test("begin() forgets the oldest opening when all have entries", used, async ({ incarnations, heads }) => {
    await incarnations.begin(maxIncarnations);
    assert.deepEqual(await heads(), Array.from({ length: maxIncarnations }, (_, index) => index + 1));
  });
}
