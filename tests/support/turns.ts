import assert from "node:assert/strict";
import { standardDeadlineMs } from "./deadlines.ts";

// Kept, so that fake time does not stop these.
const { setTimeout } = globalThis;
const now = performance.now.bind(performance);

/** Lets everything that is ready run, in so many turns of the event loop. */
export async function turns(count = 1): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}

/** A turn that takes longer, because the machine is busy or stood still, counts as so many milliseconds. */
const longestTurnMs = 100;

/**
 * Resolves as soon as `condition` gives something that is true; fails when it does not within `deadlineMs` of the time that
 * this process has to itself.
 */
export async function until<T>(
  condition: () => T | undefined | false,
  { what = String(condition), deadlineMs = standardDeadlineMs }: { what?: string; deadlineMs?: number } = {},
): Promise<T> {
  let spentMs = 0;
  for (let before = now();;) {
    const value = condition();
    if (value) return value;
    if (spentMs > deadlineMs) assert.fail(`not within ${deadlineMs} ms: ${what}`);
    await turns();
    spentMs += Math.min(now() - before, longestTurnMs);
    before = now();
  }
}
