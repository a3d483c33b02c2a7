import { dirname, isAbsolute, join } from "node:path";
import { formatMessage } from "@optique/core/message";
import { findSimilar } from "@optique/core/suggestion";
import type { ConfigEntry, ConfigFile } from "../../app/config_file.ts";
import type { SettingParser } from "./value_parsers.ts";

type Parsed = { readonly value: unknown } | { readonly problem: string };
type Setting = (entry: ConfigEntry, file: ConfigFile) => Parsed;

/**
 * The options of servers as a configuration file has them: the name of an option, without its dashes, in the section that
 * the option is of. All that may be in the file is declared before the first value is asked for.
 */
export class ConfigSettings {
  readonly #file: ConfigFile | undefined;
  /** By section and name. */
  readonly #settings = new Map<string, Map<string, Setting>>();

  /** @param file undefined where there is none */
  constructor(file: ConfigFile | undefined) {
    this.#file = file;
  }

  declare<T>(section: string, name: string, values: SettingParser<T>): void {
    this.#declare(section, name, (entry, file) => parseValue(values, entry, file));
  }

  declareBoolean(section: string, name: string): void {
    this.#declare(section, name, ({ value }) => {
      return typeof value === "boolean" ? { value } : { problem: `expected true or false, but got ${shown(value)}.` };
    });
  }

  /** What the file says, as the parser of the setting made it; undefined where it says nothing or nothing that can be used. */
  value(section: string, name: string): unknown {
    const entry = this.#file?.entries.find((entry) => entry.section === section && entry.name === name);
    const parsed = entry && this.#parse(entry);
    return parsed && "value" in parsed ? parsed.value : undefined;
  }

  /** Everything in the file that is unknown or cannot be used, each in a line of its own with the file, the line and the key. */
  problems(): readonly string[] {
    const { path, sections, entries } = this.#file ?? { path: "", sections: [], entries: [] };
    const unknown = sections.filter(({ name }) => !this.#settings.has(name))
      .map(({ name, line }) => ({ line, problem: `there is no section [${name}].${meant(name, this.#sections())}` }));
    const wrong = entries.filter(({ section }) => this.#settings.has(section)).flatMap((entry) => {
      const parsed = this.#parse(entry);
      return "problem" in parsed ? [{ line: entry.line, problem: `${keyOf(entry)}: ${parsed.problem}` }] : [];
    });
    const dotted = entries.filter(({ section }) => {
      return !this.#settings.has(section) && !sections.some(({ name }) => name === section);
    }).map((entry) => ({ line: entry.line, problem: `${keyOf(entry)}: ${this.#unknown(entry)}` }));
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
    if (setting === undefined) return { problem: this.#unknown(entry) };
    return setting(entry, this.#file!);
  }

  #unknown({ section, name }: ConfigEntry): string {
    if (/password|secret|token/.test(name) && !name.endsWith("-file")) {
      return "secrets are not allowed here: put it into a file, and name the file with broker-password-file or " +
        "broker-auth-secret-file in [amqp].";
    }
    const elsewhere = [...this.#settings].find(([, settings]) => settings.has(name));
    if (elsewhere !== undefined) return `this belongs ${place(elsewhere[0])}, not ${place(section)}.`;
    const known = [...this.#settings.get(section)?.keys() ?? []];
    return `there is no such setting ${place(section)}.${meant(name, known)}`;
  }

  #sections(): string[] {
    return [...this.#settings.keys()].filter((name) => name !== "");
  }
}

function parseValue<T>(values: SettingParser<T>, entry: ConfigEntry, file: ConfigFile): Parsed {
  const { value } = entry;
  const { inFile } = values;
  if (inFile === "integer") {
    if (typeof value !== "number") return { problem: `expected a whole number, but got ${shown(value)}.` };
  } else if (typeof value !== "string") {
    return { problem: `expected a string in quotes, but got ${shown(value)}.` };
  }
  const isRelativePath = inFile === "path" && value !== "" && !isAbsolute(`${value}`);
  const parsed = values.parse(isRelativePath ? join(dirname(file.path), `${value}`) : `${value}`);
  if (!parsed.success) return { problem: formatMessage(parsed.error, { colors: false, quotes: true }) };
  if (file.isReadByOthers && values.holdsSecret?.(parsed.value)) {
    return {
      problem:
        `this contains a password, and other users can read the file: run "chmod 600 ${file.path}", or name a password ` +
        "file with broker-password-file.",
    };
  }
  return { value: parsed.value };
}

function keyOf({ section, name }: ConfigEntry): string {
  return section === "" ? name : `${section}.${name}`;
}

function place(section: string): string {
  return section === "" ? "at the top, before the first section" : `in [${section}]`;
}

function shown(value: ConfigEntry["value"]): string {
  if (typeof value === "object") return value.other;
  return typeof value === "string" ? `the text ${JSON.stringify(value)}` : String(value);
}

function meant(word: string, candidates: readonly string[]): string {
  const similar = findSimilar(word, candidates, { maxDistance: 3, maxDistanceRatio: 0.5, maxSuggestions: 2 });
  return similar.length === 0 ? "" : ` Did you mean ${similar.map((name) => `"${name}"`).join(" or ")}?`;
}
