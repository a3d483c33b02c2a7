import assert from "node:assert/strict";

const modules = [
  "commands/options/value_parsers.ts",
  "core/local_time.ts",
  "core/search/search_query.ts",
  "terminal/text/local_clock.ts",
].map((path) => new URL(`../../../src/${path}`, import.meta.url).href);

/**
 * For every half hour around two changes of the clock: the time as it is shown, and the instants that `audit --since`,
 * `tail --since` and a search read from it. A process has one time zone.
 */
const script = `
  const [options, { withInstants }, { parseSearchQuery }, { clock, date, timestamp }] =
    await Promise.all(${JSON.stringify(modules)}.map((module) => import(module)));
  const rows = [];
  for (const change of [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)]) {
    for (let time = change - 36 * 3600e3; time < change + 36 * 3600e3; time += 1800e3) {
      const shown = date(time) + "T" + clock(time);
      const typed = [options.pastTime().parse(shown).value, options.since().parse(shown).value.ms,
        parseSearchQuery(withInstants("x after:" + shown)).after];
      const day = [options.pastTime().parse(date(time)).value, parseSearchQuery(withInstants("after:" + date(time))).after];
      rows.push({ time, shown, stamp: timestamp(time), typed, day });
    }
  }
  console.log(JSON.stringify(rows));
`;

interface Row {
  readonly time: number;
  readonly shown: string;
  readonly stamp: string;
  readonly typed: readonly number[];
  readonly day: readonly number[];
}

async function rowsIn(zone: string): Promise<Row[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-check", script],
    env: { TZ: zone, NO_COLOR: "1" },
    stderr: "inherit",
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("a time that is typed as it is shown is that time, in audit, tail and search, across changes of the clock", async () => {
  // In Beirut, the day of the change has no midnight.
  for (const zone of ["Europe/Berlin", "Asia/Beirut", "UTC"]) {
    const rows = await rowsIn(zone);
    const firstOf = new Map<string, number>();
    const firstOfDay = new Map<string, number>();
    for (const { time, shown } of rows) {
      if (!firstOf.has(shown)) firstOf.set(shown, time);
      if (!firstOfDay.has(shown.slice(0, 10))) firstOfDay.set(shown.slice(0, 10), time);
    }
    for (const { time, shown, stamp, typed, day } of rows) {
      // An hour that occurs twice means the first one.
      for (const each of typed) assert.equal(each, firstOf.get(shown), `${zone} ${shown}`);
      assert.equal(Date.parse(stamp), time, `${zone} ${stamp}`);
      const isWhole = shown.slice(0, 10) !== rows[0].shown.slice(0, 10) && !isAfterGap(rows, time);
      if (isWhole) {
        for (const each of day) assert.equal(each, firstOfDay.get(shown.slice(0, 10)), `${zone} ${shown}`);
      }
    }
  }
});

/** Whether a time is on the first day after the rows jump to the other change, whose beginning they lack. */
function isAfterGap(rows: readonly Row[], time: number): boolean {
  const first = rows.find((row, index) => index > 0 && row.time - rows[index - 1].time > 3600e3)!;
  const today = rows.find((row) => row.time === time)!.shown.slice(0, 10);
  return first.shown.slice(0, 10) === today;
}
