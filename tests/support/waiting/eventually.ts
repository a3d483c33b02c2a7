import { standardDeadlineMs } from "./deadlines.ts";

// Captured here, so that fake time does not stop it.
const { setTimeout } = globalThis;

/** Waits until `condition` holds. @throws {Error} with `describe()` when it does not within `deadlineMs`. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  describe: () => string = () => String(condition),
  deadlineMs = standardDeadlineMs,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Not within ${deadlineMs} ms: ${describe()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
