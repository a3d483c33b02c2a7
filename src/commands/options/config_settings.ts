import { dirname, isAbsolute, join } from "node:path";
import { formatMessage } from "@optique/core/message";
import { findSimilar } from "@optique/core/suggestion";
import type { ConfigEntry, ConfigFile } from "../../app/config_file.ts";
import type { SettingParser } from "./value_parsers.ts";

type Parsed = { readonly value: unknown } | { readonly problem: string };
type Setting = (entry: ConfigEntry, file: ConfigFile) => Parsed;

/**
 * The settings of a configuration file: the names of server options without their dashes, in the sections of the
 * options. All settings must be declared before the first value is read.
 */
export class ConfigSettings {
  readonly #file: ConfigFile | undefined;
  /** By section and name. */
  readonly #settings = new Map<string, Map<string, Setting>>();

  /** @param file undefined if there is no configuration file */
  constructor(file: ConfigFile | undefined) {
    this.#file = file;
  }

  declare<T>(section: string, name: string, values: SettingParser<T>): void {
    this.#declare(section, name, (entry, file) => parseValue(values, entry, file));
  }

  declareBoolean(section: string, name: string): void {
    this.#declare(section, name, ({ value }) => {
      return typeof value === "boolean"
        ? { value }
        : { problem: `expected true or false, but got ${describeValue(value)}.` };
    });
  }

  /** Returns the parsed value of a setting; undefined if the file does not have it or it is invalid. */
  value(section: string, name: string): unknown {
    const entry = this.#file?.entries.find((entry) => entry.section === section && entry.name === name);
    const parsed = entry && this.#parse(entry);
    return parsed && "value" in parsed ? parsed.value : undefined;
  }

  /** Returns one message for each unknown or invalid setting, with the file, the line and the key. */
  problems(): readonly string[] {
    const { path, sections, entries } = this.#file ?? { path: "", sections: [], entries: [] };
    const unknown = sections.filter(({ name }) => !this.#settings.has(name))
      .map(({ name, line }) => ({ line, problem: `there is no section [${name}].${suggest(name, this.#sections())}` }));
    const wrong = entries.filter(({ section }) => this.#settings.has(section)).flatMap((entry) => {
      const parsed = this.#parse(entry);
      return "problem" in parsed ? [{ line: entry.line, problem: `${keyOf(entry)}: ${parsed.problem}` }] : [];
    });
    const dotted = entries.filter(({ section }) => {
      return !this.#settings.has(section) && !sections.some(({ name }) => name === section);
    }).map((entry) => ({ line: entry.line, problem: `${keyOf(entry)}: ${this.#describeUnknown(entry)}` }));
    return [...unknown, ...wrong, ...dotted].toSorted((one, other) => one.line - other.line)
      .map(({ line, problem }) => `${path}:${line}: ${problem}`);
  }

  #declare(section: string, name: string, setting: Setting): void {
    const settings = this.#settings.get(section) ?? new Map<string, Setting>();
    settings.set(name, setting);
    this.#settings.set(section, settings);
  }

  #parse(entry: ConfigEntry): Parsed {
    const setting = this.#settings.get(entry.section)?.get(entry.name);
    if (setting === undefined) return { problem: this.#describeUnknown(entry) };
    return setting(entry, this.#file!);
  }

  #describeUnknown({ section, name }: ConfigEntry): string {
    if (/password|secret|token/.test(name) && !name.endsWith("-file")) {
      return "secrets are not allowed here: put it into a file, and name the file with broker-password-file or " +
        "broker-auth-secret-file in [amqp], or with password-file in [database].";
    }
    const elsewhere = [...this.#settings].find(([, settings]) => settings.has(name));
    if (elsewhere !== undefined) {
      return `this belongs ${describeSection(elsewhere[0])}, not ${describeSection(section)}.`;
    }
    const known = [...this.#settings.get(section)?.keys() ?? []];
    return `there is no such setting ${describeSection(section)}.${suggest(name, known)}`;
  }

  #sections(): string[] {
    return [...this.#settings.keys()].filter((name) => name !== "");
  }
}

function parseValue<T>(values: SettingParser<T>, entry: ConfigEntry, file: ConfigFile): Parsed {
  const { value } = entry;
  const { inFile } = values;
  if (inFile === "integer") {
    if (typeof value !== "number") return { problem: `expected a whole number, but got ${describeValue(value)}.` };
  } else if (typeof value !== "string") {
    return { problem: `expected a string in quotes, but got ${describeValue(value)}.` };
  }
  const isRelativePath = inFile === "path" && value !== "" && !isAbsolute(`${value}`);
  const parsed = values.parse(isRelativePath ? join(dirname(file.path), `${value}`) : `${value}`);
  if (!parsed.success) return { problem: formatMessage(parsed.error, { colors: false, quotes: true }) };
  if (file.isReadByOthers && values.holdsSecret?.(parsed.value)) {
    return {
      problem:
        `this contains a password, and other users can read the file: run "chmod 600 ${file.path}", or name a password ` +
        `file with ${entry.section === "amqp" ? "broker-password-file" : "password-file"}.`,
    };
  }
  return { value: parsed.value };
}

function keyOf({ section, name }: ConfigEntry): string {
  return section === "" ? name : `${section}.${name}`;
}

function describeSection(section: string): string {
  return section === "" ? "at the top, before the first section" : `in [${section}]`;
}

function describeValue(value: ConfigEntry["value"]): string {
  if (typeof value === "object") return value.other;
  return typeof value === "string" ? `the text ${JSON.stringify(value)}` : String(value);
}

function suggest(word: string, candidates: readonly string[]): string {
  const similar = findSimilar(word, candidates, { maxDistance: 3, maxDistanceRatio: 0.5, maxSuggestions: 2 });
  return similar.length === 0 ? "" : ` Did you mean ${similar.map((name) => `"${name}"`).join(" or ")}?`;
}
