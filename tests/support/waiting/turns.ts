import assert from "node:assert/strict";
import { standardDeadlineMs } from "./deadlines.ts";

// Captured here, so that fake time does not stop them.
const { setTimeout, setImmediate } = globalThis;
const now = performance.now.bind(performance);

/** Runs the event loop for a number of turns. On a busy machine, timers that follow each other may share one of them. */
export async function turns(count = 1): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/**
 * Lets sockets close whose peers, in this process too, have closed: the event loop reports it some turns later, after the
 * server has told that it closed.
 */
export function peersClosed(): Promise<void> {
  return turns(5);
}

/** The most milliseconds that one turn counts: a longer one means that the machine was busy, or stood still. */
const longestTurnMs = 100;

/**
 * Resolves with the first truthy result of `condition`. Fails after `deadlineMs` of this process's own time, which does not
 * pass while the machine is busy.
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
