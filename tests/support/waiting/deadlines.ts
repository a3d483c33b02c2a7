/**
 * How many times slower than a machine with nothing else to do this one is. All deadlines of tests are multiplied by it,
 * those of chatd are not. `TEST_SLOWNESS` in the environment sets it, and is 1 unless set.
 */
export const slowness = parseSlowness(Deno.env.get("TEST_SLOWNESS"));

/** Milliseconds in which a condition becomes true that a test waits for. */
export const standardDeadlineMs = slowed(20_000);

/** Milliseconds in which a process that a test started serves: chatd, RabbitMQ, nginx. */
export const startDeadlineMs = slowed(60_000);

/** Returns a deadline, given in milliseconds for a machine with nothing else to do, for this machine. */
export function slowed(milliseconds: number): number {
  return milliseconds * slowness;
}

/** @throws {RangeError} when the text is no number of at least 1 */
export function parseSlowness(text: string | undefined): number {
  const factor = Number(text ?? 1);
  if (!(factor >= 1 && factor < Infinity)) {
    throw new RangeError(`TEST_SLOWNESS is ${JSON.stringify(text)}: a number of at least 1 is needed`);
  }
  return factor;
}
