import assert from "node:assert/strict";

const module = new URL("../../src/core/local_time.ts", import.meta.url);

/** Evaluates in a process of another time zone: a process has one. */
async function inZone(zone: string, expression: string): Promise<unknown> {
  const code = `import { parseLocalTime, withInstants } from "${module}"; console.log(JSON.stringify(${expression}));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-check", code],
    env: { TZ: zone, NO_COLOR: "1" },
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("a typed date is in the zone of the machine, on both sides of a change of the clock", async () => {
  const dates = '["2026-03-08", "2026-03-09", "2026-11-02T12:00", "2026-01-31T12:00Z"].map(parseLocalTime)';
  assert.deepEqual(await inZone("America/New_York", dates), [
    Date.UTC(2026, 2, 8, 5),
    Date.UTC(2026, 2, 9, 4),
    Date.UTC(2026, 10, 2, 17),
    Date.UTC(2026, 0, 31, 12),
  ]);
  assert.deepEqual(await inZone("Asia/Tokyo", dates), [
    Date.UTC(2026, 2, 7, 15),
    Date.UTC(2026, 2, 8, 15),
    Date.UTC(2026, 10, 2, 3),
    Date.UTC(2026, 0, 31, 12),
  ]);
});

Deno.test("a search tells the server the instants of its dates, and nothing else changes", async () => {
  const query = 'cake before:2026-02-01 AFTER:2026-01-31t12:00+01:00 "before:2026-02-01" -x before:2026-02-31';
  assert.equal(
    await inZone("Asia/Tokyo", `withInstants(${JSON.stringify(query)})`),
    'cake before:2026-01-31T15:00:00Z AFTER:2026-01-31T11:00:00Z "before:2026-02-01" -x before:2026-02-31',
  );
});
