import { ChatError } from "../../core/chat_error.ts";
import { parseLocalTime } from "../../core/local_time.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { date } from "../text/local_clock.ts";

/** The start of a date, whether or not it is one: a name seldom looks like it. */
const dateLike = /^\d{4}-\d\d?-\d/;
const day = 24 * 60 * 60 * 1_000;
/** Days that Tab completes. */
const recentDays = 7;

/** Whether a word is meant as a date. */
export function isDateLike(word: string): boolean {
  return dateLike.test(word);
}

/** Returns the instant of a date in the time zone of this machine. @throws {ChatError} for a wrong or a later date */
export function parseDate(word: string): number {
  const time = parseLocalTime(word);
  if (Number.isNaN(time)) {
    throw new ChatError(
      "invalid_argument",
      `"${sanitizeLine(word)}" is not a date. Type a day, such as 2026-01-31, or a time, such as 2026-01-31T14:05.`,
    );
  }
  if (time > Date.now()) throw new ChatError("invalid_argument", `${sanitizeLine(word)} is in the future.`);
  return time;
}

/** Today and the days before it, the latest first. */
export function lastDays(): string[] {
  // Counted at noon, since a day may have 23 or 25 hours.
  const noon = new Date().setHours(12, 0, 0, 0);
  return Array.from({ length: recentDays }, (_, back) => date(noon - back * day));
}
