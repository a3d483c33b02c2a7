import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { openPostgresChatStore } from "../support/databases/postgres_chat_store.ts";
import { propertyLimits } from "../support/checks/property_limits.ts";
import { propertyRuns, storesAnswerLate } from "../support/fakes/late_store.ts";
import { idsFor, orderedScript, racingScript } from "../support/lane/lane_scripts.ts";
import { LaneSystem, type LaneSystemOptions } from "../support/lane/lane_system.ts";
import { type OpenChatStore, TestStore } from "../support/servers/test_store.ts";

const now = new FakeClock().now();

/** Ways on which plain messages get into the log of a store. */
type Ways = (choices: readonly boolean[]) => Record<string, LaneSystemOptions>;

/** Returns the ways into any store. */
function waysInto(open: OpenChatStore, choices: readonly boolean[]): Record<string, LaneSystemOptions> {
  let choice = 0;
  return {
    "by the lane": { open },
    "submitted again": { open, refuses: () => true },
    "some submitted again": { open, refuses: () => choices[choice++ % choices.length] },
    "without the lane": { open, decodes: true },
  };
}

const sqliteWays: Ways = (choices) => ({
  ...waysInto(TestStore.openWith, choices),
  "by the lane and a writer thread": { inThread: true },
  "by the lane, to a store that answers late": { latenessMs: 5 },
});
const postgresWays: Ways = (choices) => ({
  "in memory": {},
  ...waysInto(openPostgresChatStore, choices),
});

const choices = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });

function suite(
  name: string,
  ways: Ways,
  { orderedRuns, racingRuns }: { orderedRuns: number; racingRuns: number },
): void {
  Deno.test(`${name}: plain messages are answered, stored and delivered alike on each way into the log`, async () => {
    let [plain, messages] = [0, 0];
    const property = fc.asyncProperty(orderedScript, choices, async (script, choices) => {
      const ids = idsFor(script, now);
      let expected: unknown;
      for (const [way, options] of Object.entries(ways(choices))) {
        await using system = await LaneSystem.open(options);
        await system.run(script, ids);
        await system.checkReplies();
        await system.checkDeliveries();
        const replies = system.connections.map((each) => system.replies(each));
        const state = await system.end();
        const found = { replies, ...state };
        expected ??= found;
        if (way === "by the lane") {
          plain += system.plainMessages;
          messages += state.committed.messages;
        }
        if (options.decodes) assert.equal(system.plainMessages, 0);
        assert.deepEqual(found, expected, way);
      }
    });
    await fc.assert(property, { ...propertyLimits, numRuns: propertyRuns(orderedRuns) });
    assert.ok(plain > messages / 8, `only ${plain} of ${messages} messages took the lane`);
  });

  Deno.test(`${name}: sessions that send at the same time have every message in the log once, and receive all others`, async () => {
    const property = fc.asyncProperty(racingScript, choices, async (script, choices) => {
      const ids = idsFor(script, now);
      for (const options of Object.values(ways(choices))) {
        await using system = await LaneSystem.open(options);
        await system.run(script, ids);
        await system.checkReplies();
        await system.checkDeliveries();
      }
    });
    await fc.assert(property, { ...propertyLimits, numRuns: propertyRuns(racingRuns) });
  });
}

suite("sqlite", sqliteWays, { orderedRuns: 20, racingRuns: 15 });
if (!storesAnswerLate()) suite("postgres", postgresWays, { orderedRuns: 3, racingRuns: 3 });
