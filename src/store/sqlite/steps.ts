import type { Turn } from "../../core/page_turns.ts";

/** Work that may pause wherever it yields. */
export type Steps<T> = Generator<void, T>;

/** Does the work, and leaves others their turn between its steps; without a `turn`, all of it at once. */
export async function inTurns<T>(turn: Turn | undefined, steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (turn?.isOver) await turn.next();
  }
}

/** Does all of the work at once. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
