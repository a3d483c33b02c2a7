import type { Log } from "../core/log.ts";
import { type LogLevel, logLevels } from "./log_level.ts";

/** A line of text on stderr for each event, from `level` up. */
export function stderrLog(level: LogLevel): Log {
  const lowest = logLevels.indexOf(level);
  const write = (at: LogLevel) => (event: string, details: Record<string, unknown> = {}) => {
    if (logLevels.indexOf(at) < lowest) return;
    const words = Object.entries(details)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ` ${name}=${format(value)}`);
    console.error(`${new Date().toISOString()} ${at} ${event}${words.join("")}`);
  };
  return { info: write("info"), warn: write("warn"), error: write("error") };
}

function format(value: unknown): string {
  if (value instanceof Error) {
    const cause = value.cause === undefined ? "" : `\ncaused by ${format(value.cause)}`;
    return escapeControls(value.stack ?? String(value)) + cause;
  }
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  // Names that clients choose must not forge lines or reach the terminal raw.
  return /^[\w.:@/+-]+$/.test(text) ? text : escapeControls(JSON.stringify(text));
}

function escapeControls(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
