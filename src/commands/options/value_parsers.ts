import { type Message, message, text } from "@optique/core/message";
import type { NonEmptyString } from "@optique/core/nonempty";
import { integer, string, type ValueParser, type ValueParserResult } from "@optique/core/valueparser";
import { type BrokerUrl, parseBrokerUrl } from "../../app/broker/broker_url.ts";
import { type DatabaseUrl, formatDatabaseUrl, parseDatabaseUrl } from "../../app/database/database_url.ts";
import { parseUserName } from "../../core/accounts/user_name.ts";
import { ChatError } from "../../core/chat_error.ts";
import { parseLocalTime } from "../../core/local_time.ts";
import { parseAddress } from "../../core/messages/address.ts";
import {
  formatHostPort,
  formatHostPorts,
  type HostPort,
  type HostPorts,
  parseHostPort,
  parseHostPorts,
} from "../../host/host_port.ts";
import { splitWords } from "./split_words.ts";

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const sizeUnits: readonly (readonly [unit: string, bytes: number])[] = [
  ["TiB", 1024 ** 4],
  ["GiB", 1024 ** 3],
  ["MiB", 1024 ** 2],
  ["KiB", 1024],
  ["B", 1],
];

/** A parser of values that also knows their form in a configuration file. */
export interface SettingParser<T> extends ValueParser<"sync", T> {
  /** A string unless given. A path is relative to the folder of the file. */
  readonly inFile?: "integer" | "path";
  /** Parses values of the command line, which every user of the machine can read; the same parser unless given. */
  readonly onCommandLine?: ValueParser<"sync", T>;
  /** Whether the value must not be in a file that other users can read. */
  holdsSecret?(value: T): boolean;
}

/** An integer from 1 to 1,000,000. */
export function count(): SettingParser<number> {
  return { ...integer({ metavar: "COUNT", min: 1, max: 1_000_000 }), inFile: "integer" };
}

/** "127.0.0.1:50051"; port 0 lets the system choose a port. */
export function hostPort({ allowPort0 }: { allowPort0: boolean }): ValueParser<"sync", HostPort> {
  return {
    mode: "sync",
    metavar: "HOST:PORT",
    placeholder: { host: "127.0.0.1", port: 50051 },
    format: formatHostPort,
    parse: (input) =>
      attempt(() => {
        const parsed = parseHostPort(input);
        if (parsed.port > 0 || allowPort0) return parsed;
        throw new SyntaxError(`"${input}" needs a port from 1 to 65535 after the colon.`);
      }),
  };
}

/** "a.example:50051,b.example:50051": the addresses of servers, with ports from 1. */
export function serverAddresses(): ValueParser<"sync", HostPorts> {
  return {
    mode: "sync",
    metavar: "HOST:PORT",
    placeholder: [{ host: "127.0.0.1", port: 50051 }],
    format: formatHostPorts,
    parse: (input) =>
      attempt(() => {
        const parsed = parseHostPorts(input);
        if (parsed.every(({ port }) => port > 0)) return parsed;
        throw new SyntaxError(`"${input}" needs a port from 1 to 65535 after each colon.`);
      }),
  };
}

/**
 * "amqp://127.0.0.1:5672", with or without a login and a virtual host; the command line accepts no password.
 * @param forPasswords tells the user where to put the password instead; the end of a sentence
 */
export function brokerUrl({ forPasswords }: { forPasswords: string }): SettingParser<BrokerUrl> {
  const parser: ValueParser<"sync", BrokerUrl> = {
    mode: "sync",
    metavar: "URL",
    placeholder: parseBrokerUrl("amqp://127.0.0.1"),
    // Omits the password, because the result is shown to people.
    format: ({ address: { tls, host, port } }) => `${tls ? "amqps" : "amqp"}://${formatHostPort({ host, port })}`,
    parse: (input) => attempt(() => parseBrokerUrl(input)),
  };
  const parseArgument = (input: string) => {
    const url = parseBrokerUrl(input);
    if (url.login === undefined) return url;
    throw new SyntaxError(`Any user of this machine can read a password on the command line (ps): ${forPasswords}.`);
  };
  return {
    ...parser,
    onCommandLine: { ...parser, parse: (input) => attempt(() => parseArgument(input)) },
    holdsSecret: ({ login }) => login !== undefined,
  };
}

/** "postgres://chatd@db1,db2/chatd?sslmode=verify-full"; the command line accepts no password. */
export function databaseUrl(): SettingParser<DatabaseUrl> {
  const parser: ValueParser<"sync", DatabaseUrl> = {
    mode: "sync",
    metavar: "URL",
    placeholder: parseDatabaseUrl("postgres://chatd@127.0.0.1/chatd"),
    // Omits the password, because the result is shown to people.
    format: ({ address }) => formatDatabaseUrl(address),
    parse: (input) => attempt(() => parseDatabaseUrl(input)),
  };
  const parseArgument = (input: string) => {
    const url = parseDatabaseUrl(input);
    if (url.password === undefined) return url;
    throw new SyntaxError(
      "Any user of this machine can read a password on the command line (ps): give --database-password-file FILE, or " +
        "set CHATD_DATABASE instead.",
    );
  };
  return {
    ...parser,
    onCommandLine: { ...parser, parse: (input) => attempt(() => parseArgument(input)) },
    holdsSecret: ({ password }) => password !== undefined,
  };
}

/** The name of a node: letters, digits, dots, dashes and underscores. */
export function nodeName(): ValueParser<"sync", string> {
  return {
    mode: "sync",
    metavar: "NAME",
    placeholder: "chatd-1",
    format: (name) => name,
    parse: (input) =>
      attempt(() => {
        if (/^[\w.-]{1,63}$/.test(input)) return input;
        throw new SyntaxError(
          `"${input}" is not the name of a node: use 1 to 63 letters, digits, dots, dashes and underscores.`,
        );
      }),
  };
}

/** "http://127.0.0.1:15672". */
export function httpUrl(): ValueParser<"sync", string> {
  return {
    mode: "sync",
    metavar: "URL",
    placeholder: "http://127.0.0.1:15672",
    format: (url) => url,
    parse: (input) =>
      attempt(() => {
        if (/^https?:\/\/[^@]+$/.test(input) && URL.canParse(input)) return input.replace(/\/+$/, "");
        throw new SyntaxError("Expected a URL without a user, such as http://127.0.0.1:15672.");
      }),
  };
}

/** The name of a user, who need not exist. */
export function userName(): ValueParser<"sync", string> {
  return {
    mode: "sync",
    metavar: "NAME",
    placeholder: "ana",
    format: (name) => name,
    parse: (input) => attempt(() => parseUserName(input)),
  };
}

/** `7d`, `12h`, `30m` or `90s`, in milliseconds. */
export function duration(): ValueParser<"sync", number> {
  return {
    mode: "sync",
    metavar: "DURATION",
    placeholder: 0,
    format: (ms) => `${ms / 1000}s`,
    parse: (input) =>
      attempt(() => {
        const [, digits, unit] = /^(\d{1,9})([smhd])$/.exec(input) ?? [];
        const ms = Number(digits) * units[unit];
        if (ms > Number.MAX_SAFE_INTEGER) throw new SyntaxError(`"${input}" is too long.`);
        if (ms > 0) return ms;
        throw new SyntaxError(`"${input}" is not a time such as 7d, 12h, 30m or 90s.`);
      }),
  };
}

/**
 * `30d` or `12h` ago, or a date with or without a time, in milliseconds since the Unix epoch. A time without an offset
 * is in the time zone of this machine.
 */
export function pastTime(now: () => number = Date.now): ValueParser<"sync", number> {
  const ago = duration();
  return {
    mode: "sync",
    metavar: "TIME",
    placeholder: 0,
    format: (ms) => new Date(ms).toISOString(),
    parse: (input) => {
      const parsed = ago.parse(input);
      if (parsed.success) return { success: true, value: Math.max(now() - parsed.value, 0) };
      return attempt(() => {
        const ms = parseLocalTime(input);
        if (!Number.isNaN(ms)) return ms;
        throw new SyntaxError(`"${input}" is not a time such as 30d, 12h, 2026-11-23 or 2026-11-23T12:00.`);
      });
    },
  };
}

/** `10MiB`, `512KiB` or `1GiB`, in bytes. */
export function size({ min }: { min: number }): ValueParser<"sync", number> {
  return {
    mode: "sync",
    metavar: "SIZE",
    placeholder: 0,
    format: formatSize,
    parse: (input) =>
      attempt(() => {
        const [, digits, name] = /^(\d{1,9})([KMGT]?i?B)$/.exec(input) ?? [];
        const unit = sizeUnits.find(([unit]) => unit === name);
        if (unit === undefined) {
          const meant = digits === undefined ? "10MiB, 512KiB or 1GiB" : `${digits}${name[0]}iB`;
          throw new SyntaxError(`"${input}" is not a size such as ${meant}.`);
        }
        const bytes = Number(digits) * unit[1];
        if (bytes >= min && Number.isSafeInteger(bytes)) return bytes;
        throw new SyntaxError(`"${input}" is too ${bytes < min ? `small: at least ${formatSize(min)}` : "large"}.`);
      }),
  };
}

function formatSize(bytes: number): string {
  const [unit, factor] = sizeUnits.find(([, factor]) => bytes >= factor && bytes % factor === 0) ?? ["B", 1];
  return `${bytes / factor}${unit}`;
}

/** The name of a consumer, as in the protocol. */
export function consumerName(): ValueParser<"sync", string> {
  const error = (input: string): Message =>
    message`${input} is not a consumer: use 1 to 64 of a-z 0-9 . _ : - and begin with a letter or digit.`;
  return string({ metavar: "NAME", pattern: /^[a-z0-9][a-z0-9._:-]{0,63}$/, errors: { patternMismatch: error } });
}

/** The second part of a consumer's name: "alerts" of "tail:alerts". */
export function scriptName(): ValueParser<"sync", string> {
  const error = (input: string): Message =>
    message`${input} is not a name: use 1 to 56 of a-z 0-9 . _ - and begin with a letter or digit.`;
  return string({ metavar: "NAME", pattern: /^[a-z0-9][a-z0-9._-]{0,55}$/, errors: { patternMismatch: error } });
}

/** The name of a profile, which is also the name of its file. */
export function profileName(): ValueParser<"sync", string> {
  const error = (input: string): Message =>
    message`${input} is not the name of a profile: use 1 to 32 of a-z 0-9 . _ - and begin with a letter or digit.`;
  return string({ metavar: "NAME", pattern: /^[a-z0-9][a-z0-9._-]{0,31}$/, errors: { patternMismatch: error } });
}

/** "ben", "#ops" or "+id". */
export function address(): ValueParser<"sync", string> {
  return {
    mode: "sync",
    metavar: "ADDRESS",
    placeholder: "ana",
    format: (address) => address,
    parse: (input) =>
      attempt(() => {
        parseAddress(input);
        return input;
      }),
  };
}

/** A message's number, or a time like {@link pastTime}. */
export function since(): ValueParser<"sync", { readonly seq: number } | { readonly ms: number }> {
  const time = pastTime();
  return {
    mode: "sync",
    metavar: "NUMBER|TIME",
    placeholder: { seq: 1 },
    format: (since) => "seq" in since ? String(since.seq) : time.format(since.ms),
    parse: (input) => {
      if (/^[1-9]\d{0,14}$/.test(input)) return { success: true, value: { seq: Number(input) } };
      const parsed = time.parse(input);
      return parsed.success ? { success: true, value: { ms: parsed.value } } : parsed;
    },
  };
}

/** A command and its arguments, in one argument. */
export function commandWords(): ValueParser<"sync", readonly string[]> {
  return {
    mode: "sync",
    metavar: "COMMAND",
    placeholder: ["cat"],
    format: (words) => words.join(" "),
    parse: (input) => {
      try {
        return { success: true, value: splitWords(input) };
      } catch (error) {
        if (error instanceof SyntaxError) return { success: false, error: message`${text(error.message)}: ${input}.` };
        throw error;
      }
    },
  };
}

/** Any text but the empty one. */
export function words(metavar: NonEmptyString): ValueParser<"sync", string> {
  return string({
    metavar,
    pattern: /^[^\0]+$/,
    errors: { patternMismatch: message`Expected ${text(metavar)}, but got nothing.` },
  });
}

/** Any text, also the empty one. */
export function anyText(metavar: NonEmptyString): ValueParser<"sync", string> {
  return string({
    metavar,
    pattern: /^[^\0]*$/,
    errors: { patternMismatch: message`Expected ${text(metavar)} without a NUL.` },
  });
}

/** A path, which shells can complete. */
export function path(metavar: "FILE" | "DIR"): SettingParser<string> {
  return {
    ...words(metavar),
    inFile: "path",
    *suggest(prefix) {
      yield { kind: "file", type: metavar === "DIR" ? "directory" : "any", pattern: prefix };
    },
  };
}

function attempt<T>(parse: () => T): ValueParserResult<T> {
  try {
    return { success: true, value: parse() };
  } catch (error) {
    if (error instanceof ChatError || error instanceof SyntaxError) {
      return { success: false, error: [text(error.message)] };
    }
    throw error;
  }
}
