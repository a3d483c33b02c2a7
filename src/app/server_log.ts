import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  type LogLevel as Level,
  type LogRecord,
} from "@logtape/logtape";
import type { Log } from "../core/log.ts";
import type { LogFormat, LogLevel } from "./log_options.ts";

const category = ["chatd"];
const levels: Readonly<Record<LogLevel, Level>> = { info: "info", warn: "warning", error: "error" };
const jsonLine = getJsonLinesFormatter();

/** The log of this process, of which there is one: a line on stderr for each event, from `level` up. */
export function openServerLog({ level, format }: { level: LogLevel; format: LogFormat }): Log {
  const isText = format === "text" || (format === "auto" && Deno.stderr.isTerminal());
  const formatLine = isText ? formatForPeople : formatAsJson;
  configureSync({
    reset: true,
    sinks: { stderr: (record) => console.error(formatLine(record)) },
    loggers: [
      { category, sinks: ["stderr"], lowestLevel: levels[level] },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(category);
  // Not by its methods, which look for placeholders in what they are told.
  const write = (level: Level) => (event: string, properties: Record<string, unknown> = {}) =>
    logger.emit({ timestamp: Date.now(), level, message: [event], rawMessage: event, properties });
  return { info: write(levels.info), warn: write(levels.warn), error: write(levels.error) };
}

/** `2026-11-23T12:00:00.000Z info session started user=ana`; an error has lines of its own. */
export function formatForPeople({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const words = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const name = level === "warning" ? "warn" : level;
  return `${new Date(timestamp).toISOString()} ${name} ${rawMessage}${words.join("")}`;
}

/** One object, as in https://logtape.org/manual/formatters: what is no ASCII control and may act like one is escaped too. */
export function formatAsJson(record: LogRecord): string {
  return jsonLine(record).trimEnd().replace(controls, (char) =>
    Array.from(
      { length: char.length },
      (_, index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""));
}

// Names that clients choose must not forge lines or reach a terminal raw.
const controls = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

function formatValue(value: unknown): string {
  if (value instanceof Error) {
    const cause = value.cause === undefined ? "" : `\ncaused by ${formatValue(value.cause)}`;
    return escapeControls(value.stack ?? String(value)) + cause;
  }
  const text = typeof value === "string" ? value : Deno.inspect(value, { breakLength: Infinity, colors: false });
  return /^[\w.:@/+-]+$/.test(text) ? text : escapeControls(JSON.stringify(text));
}

function escapeControls(text: string): string {
  return text.replace(controls, (char) => char === "\n" ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`);
}
