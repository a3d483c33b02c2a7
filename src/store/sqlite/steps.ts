import type { Turn } from "../../core/page_turns.ts";

/** Work that may pause at each yield. */
export type Steps<T> = Generator<void, T>;

/** Runs work, and yields to others between its steps if a `turn` is given. */
export async function inTurns<T>(turn: Turn | undefined, steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (turn?.isOver) await turn.next();
  }
}

/** Runs work without pauses. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
