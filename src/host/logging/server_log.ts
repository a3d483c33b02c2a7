import {
  configureSync,
  getJsonLinesFormatter,
  getLogger,
  type LogLevel as Level,
  type LogRecord,
} from "@logtape/logtape";
import type { Log } from "../../core/log.ts";
import type { LogFormat, LogLevel } from "./log_options.ts";
import { LogOutput, type LogSink } from "./log_output.ts";

const category = ["chatd"];
const levels: Readonly<Record<LogLevel, Level>> = { info: "info", warn: "warning", error: "error" };
/** The environment variables that this module reads. */
export const collectorVariables = ["OTEL_DENO", "OTEL_DENO_CONSOLE"] as const;
const jsonLine = getJsonLinesFormatter();

export interface ServerLogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Stderr unless given. */
  readonly sink?: LogSink;
}

/** The log of a serving process. Writing never waits for the reader of its lines. */
export interface ServerLog extends Log {
  /** The number of lines that were dropped because too many waited. */
  readonly dropped: number;
  /** Resolves when all lines are written, or after a second. */
  flush(): Promise<void>;
}

/** Opens the only log of this process: a line on stderr for each event, from `level` up. */
export function openServerLog({ level, format, sink = Deno.stderr }: ServerLogOptions): ServerLog {
  const isText = format === "text" || (format === "auto" && Deno.stderr.isTerminal());
  const formatLine = isText ? formatForPeople : formatAsJson;
  const describeLoss = (lines: number) => formatLine(lossRecord(lines));
  const output = new LogOutput(sink, { describeLoss });
  const write = isConsoleCollected() ? (line: string) => console.error(line) : (line: string) => output.write(line);
  configureSync({
    reset: true,
    sinks: { stderr: (record) => write(formatLine(record)) },
    loggers: [
      { category, sinks: ["stderr"], lowestLevel: levels[level] },
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger(category);
  // Not by the methods of the logger, which replace placeholders in the event.
  const emit = (level: Level) => (event: string, properties: Record<string, unknown> = {}) => {
    if (!logger.isEnabledFor(level)) return;
    logger.emit({ timestamp: Date.now(), level, message: [event], rawMessage: event, properties });
  };
  return {
    info: emit(levels.info),
    warn: emit(levels.warn),
    error: emit(levels.error),
    get dropped() {
      return output.dropped;
    },
    flush: () => output.flush(),
  };
}

/** Is written at any level of the log, because the dropped lines had that level. */
function lossRecord(lines: number): LogRecord {
  const event = "log lines were dropped: stderr was not read in time";
  const timestamp = Date.now();
  return { category, level: "warning", message: [event], rawMessage: event, timestamp, properties: { lines } };
}

/**
 * Reports whether Deno sends the console's lines to OpenTelemetry. It does so while it writes them, so lines wait for the
 * reader of stderr unless OTEL_DENO_CONSOLE is "replace" (https://docs.deno.com/runtime/fundamentals/open_telemetry/).
 */
function isConsoleCollected(): boolean {
  return isTelemetryOn() && readVariable("OTEL_DENO_CONSOLE") !== "ignore";
}

/** Reports whether Deno sends telemetry to a collector. */
export function isTelemetryOn(): boolean {
  return ["true", "1"].includes(readVariable("OTEL_DENO") ?? "");
}

function readVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

/** Formats a record as `2026-11-23T12:00:00.000Z info session started user=ana`; an error takes further lines. */
export function formatForPeople({ timestamp, level, rawMessage, properties }: LogRecord): string {
  const words = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${formatValue(value)}`);
  const name = level === "warning" ? "warn" : level;
  return `${new Date(timestamp).toISOString()} ${name} ${rawMessage}${words.join("")}`;
}

/**
 * Formats a record as a JSON object (https://logtape.org/manual/formatters), with non-ASCII control characters escaped
 * too.
 */
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
