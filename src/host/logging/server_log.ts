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
/** Variables that this looks up. */
export const collectorVariables = ["OTEL_DENO", "OTEL_DENO_CONSOLE"] as const;
const jsonLine = getJsonLinesFormatter();

export interface ServerLogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Stderr unless given. */
  readonly sink?: LogSink;
}

/** The log of a serving process, whose lines wait for their reader while the process goes on. */
export interface ServerLog extends Log {
  /** How many lines were left out because too many waited. */
  readonly dropped: number;
  /** Resolves when all lines are written, or after a second. */
  flush(): Promise<void>;
}

/** The log of this process, of which there is one: a line on stderr for each event, from `level` up. */
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
  // Not by its methods, which look for placeholders in what they are told.
  const emit = (level: Level) => (event: string, properties: Record<string, unknown> = {}) =>
    logger.emit({ timestamp: Date.now(), level, message: [event], rawMessage: event, properties });
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

/** Written whatever the level of the log is: the lines that it stands for were of that level. */
function lossRecord(lines: number): LogRecord {
  const event = "log lines were left out: stderr was not read in time";
  const timestamp = Date.now();
  return { category, level: "warning", message: [event], rawMessage: event, timestamp, properties: { lines } };
}

/**
 * Whether Deno sends the console's lines to OpenTelemetry. It does so as they are written, so these wait for the reader of
 * stderr unless OTEL_DENO_CONSOLE is "replace" (https://docs.deno.com/runtime/fundamentals/open_telemetry/).
 */
function isConsoleCollected(): boolean {
  return isTelemetryOn() && readVariable("OTEL_DENO_CONSOLE") !== "ignore";
}

/** Whether Deno sends telemetry to a collector. */
export function isTelemetryOn(): boolean {
  return ["true", "1"].includes(readVariable("OTEL_DENO") ?? "");
}

function readVariable(variable: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
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
