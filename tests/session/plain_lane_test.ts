import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeClock } from "../support/fakes/fake_clock.ts";
import { propertyRuns } from "../support/fakes/late_store.ts";
import { idsFor, orderedScript, racingScript } from "../support/lane/lane_scripts.ts";
import { LaneSystem, type LaneSystemOptions } from "../support/lane/lane_system.ts";

const now = new FakeClock().now();

/** Ways on which plain messages get into the log. */
function ways(choices: readonly boolean[]): Record<string, LaneSystemOptions> {
  let choice = 0;
  return {
    "by the lane": {},
    "by the lane and a writer thread": { inThread: true },
    "submitted again": { refuses: () => true },
    "some submitted again": { refuses: () => choices[choice++ % choices.length] },
    "without the lane": { decodes: true },
    "by the lane, to a store that answers late": { latenessMs: 5 },
  };
}

const limits = { interruptAfterTimeLimit: 200_000, markInterruptAsFailure: true };
const choices = fc.array(fc.boolean(), { minLength: 1, maxLength: 20 });

Deno.test("plain messages are answered, stored and delivered alike on each way into the log", async () => {
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
  await fc.assert(property, { ...limits, numRuns: propertyRuns(20) });
  assert.ok(plain > messages / 8, `only ${plain} of ${messages} messages took the lane`);
});

Deno.test("sessions that send at the same time have every message in the log once, and receive all others", async () => {
  const property = fc.asyncProperty(racingScript, choices, async (script, choices) => {
    const ids = idsFor(script, now);
    for (const options of Object.values(ways(choices))) {
      await using system = await LaneSystem.open(options);
      await system.run(script, ids);
      await system.checkReplies();
      await system.checkDeliveries();
    }
  });
  await fc.assert(property, { ...limits, numRuns: propertyRuns(15) });
});
