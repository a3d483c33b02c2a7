import assert from "node:assert/strict";
import fc from "fast-check";
import { Backlog } from "../../../../src/store/postgres/log/backlog.ts";
import { openEnd } from "../../../../src/store/shared/visibility.ts";
import { openEmptyDatabase } from "../../../support/databases/postgres_store.ts";

const reader = 1;
const hiddenSender = 2;

/** Entries of other conversations, then a run of entries of one of the reader's conversations, and so on. */
const run = fc.record({
  conversation: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 3 }) }, { weight: 1, arbitrary: fc.nat({ max: 300 }) }),
  length: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 100, max: 400 }),
  }),
  isHidden: fc.boolean(),
});

Deno.test("pages of a merge have all entries that the reader may see, in order, wherever they are in their conversations", async () => {
  const scene = fc.record({
    runs: fc.array(run, { minLength: 1, maxLength: 150, size: "max" }),
    start: fc.double({ min: 0, max: 1, noNaN: true }),
    limit: fc.integer({ min: 1, max: 400 }),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ runs, start, limit }) => {
      await using database = await openEmptyDatabase();
      const entries = runs.flatMap(({ conversation, length, isHidden }) => {
        return Array.from({ length }, () => ({ conversation: conversation + 1, isHidden }));
      });
      await database.write(
        `INSERT INTO "user" (id, name, password_hash, disabled, created_at)
         VALUES (${reader}, 'ana', '', 0, 1), (${hiddenSender}, 'ben', '', 0, 1), (3, 'cleo', '', 0, 1)`,
      );
      await database.write("INSERT INTO conversation (id, name) SELECT g, 'c' || g FROM generate_series(1, 301) g");
      await database.write(
        `INSERT INTO entry (position, conversation, seq, sender, id, accepted_at, text)
         SELECT place, conversation, row_number() OVER (PARTITION BY conversation ORDER BY place), sender,
           gen_random_uuid(), 1, ''
         FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY given (conversation, sender, place)`,
        [entries.map(({ conversation }) => conversation), entries.map(({ isHidden }) => isHidden ? hiddenSender : 3)],
      );
      await database.write(
        `INSERT INTO member (conversation, "user", head_position)
         SELECT conversation, ${reader}, max(position) FROM entry GROUP BY conversation`,
      );
      await database.write(
        `INSERT INTO span SELECT ${reader}, conversation, 1, ${openEnd}, ${openEnd}, 0 FROM member`,
      );
      await database.write(`INSERT INTO block VALUES (${reader}, ${hiddenSender}, 0, ${openEnd})`);
      const head = entries.length;
      const backlog = new Backlog({ scanWindow: 0 });
      const first = Math.floor(start * head);
      const found: number[] = [];
      for (let after = first; after < head;) {
        const page = await database.snapshot((queries) => backlog.pageAfter(queries, reader, { after, head, limit }));
        assert.ok(page.positions.length <= limit && page.through > after);
        found.push(...page.positions);
        after = page.through;
      }
      const expected = entries.map(({ isHidden }, index) => isHidden ? 0 : index + 1).filter((each) => each > first);
      assert.deepEqual(found, expected);
    }),
    { numRuns: 6 },
  );
});
