/** A date, with a time and an offset or without. */
const typedTime = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * Returns the instant of "2026-01-31", which begins the day, or "2026-01-31T12:00", in milliseconds since the Unix
 * epoch; NaN for other text. A time without an offset is in the time zone of this machine, in which times are shown.
 */
export function parseLocalTime(text: string): number {
  return parseTime(text, { zone: "" });
}

/** Like {@link parseLocalTime}, but a time without an offset is in UTC: for text from another machine. */
export function parseUtcTime(text: string): number {
  return parseTime(text, { zone: "Z" });
}

/**
 * Writes the dates of `before:` and `after:` in a search as instants of UTC, for a server in another time zone. Dates
 * with an offset stay, and so do phrases and dates that do not exist.
 */
export function withInstants(query: string): string {
  return query.replaceAll(/"[^"]*"?|(?<!\S)(before|after):(\S+)/gi, (all, name?: string, value?: string) => {
    const time = name === undefined ? NaN : parseLocalTime(value!);
    return Number.isNaN(time) ? all : `${name}:${new Date(time).toISOString().replace(/\.000Z$/, "Z")}`;
  });
}

function parseTime(text: string, { zone: usual }: { zone: string }): number {
  const [, date, time, zone] = typedTime.exec(text) ?? [];
  if (date === undefined || !isDay(date)) return NaN;
  return Date.parse(`${date}T${time ?? "00:00"}${zone?.toUpperCase() ?? usual}`);
}

/** Date.parse accepts the 31st of February as a day in March. */
function isDay(date: string): boolean {
  const start = new Date(`${date}T00:00Z`);
  return !Number.isNaN(start.getTime()) && start.toISOString().startsWith(date);
}
