import { envVar, type Message, message, optionName, text } from "@optique/core/message";
import { map, withDefault, WithDefaultError } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { flag, negatableFlag, option } from "@optique/core/primitives";
import { ConfigSettings } from "./config_settings.ts";
import { type Environment, type OptionName, variableOf } from "./environment.ts";
import type { SettingParser } from "./value_parsers.ts";

const spellings: ReadonlyMap<string, boolean> = new Map([
  ["1", true],
  ["true", true],
  ["yes", true],
  ["on", true],
  ["0", false],
  ["false", false],
  ["no", false],
  ["off", false],
]);

export interface OptionsWithEnvOptions {
  /** The settings of the configuration file, for the options of servers. */
  readonly settings?: ConfigSettings;
  readonly section?: string;
  /** Names of settings that differ from the names of their options. */
  readonly settingNames?: Readonly<Record<OptionName, string>>;
  /** Collects the environment variables of all options that are created. */
  readonly variables?: Set<string>;
}

/** A value, and whether it comes from the command line, which beats the environment, which beats a profile. */
export interface Sourced<T> {
  readonly value: T;
  readonly from: "command line" | "environment";
}

/**
 * Creates options that can also be set by environment variables and, for servers, in a configuration file. The command
 * line takes precedence over the variable, the variable over the file, and the file over the default; an empty variable
 * counts as not set.
 *
 * @example
 * ```ts
 * import { processEnvironment } from "./environment.ts";
 * import { path } from "./value_parsers.ts";
 *
 * const options = new OptionsWithEnv(processEnvironment);
 * const dataDir = options.section("").withDefault("--data", path("DIR"), {
 *   standard: "./data",
 *   description: "Data folder of the server",
 * });
 * ```
 */
export class OptionsWithEnv {
  readonly #env: Environment;
  readonly #settings: ConfigSettings;
  /** Section of the configuration file; undefined for options that cannot be in the file. */
  readonly #section: string | undefined;
  readonly #settingNames: Readonly<Record<OptionName, string>>;
  readonly #variables: Set<string>;

  constructor(
    env: Environment,
    { settings = new ConfigSettings(undefined), section, settingNames = {}, variables = new Set() }:
      OptionsWithEnvOptions = {},
  ) {
    this.#env = env;
    this.#settingNames = settingNames;
    this.#settings = settings;
    this.#section = section;
    this.#variables = variables;
  }

  /** Returns a factory for options of this section of the configuration file; "" is the top level. */
  section(name: string, { settingNames }: Pick<OptionsWithEnvOptions, "settingNames"> = {}): OptionsWithEnv {
    const [settings, variables] = [this.#settings, this.#variables];
    return new OptionsWithEnv(this.#env, { settings, section: name, settingNames, variables });
  }

  /** Creates an option that must be set in one of the ways. */
  required<T>(name: OptionName, values: SettingParser<T>, description: string): Parser<"sync", T, unknown> {
    return this.#option(name, values, describe(name, description), {
      absent: () => {
        throw new WithDefaultError(
          message`${optionName(name)} is missing: give it, or set ${envVar(variableOf(name))}.`,
        );
      },
    });
  }

  optional<T>(
    name: OptionName,
    values: SettingParser<T>,
    description: string,
  ): Parser<"sync", T | undefined, unknown> {
    return this.#option<T | undefined>(name, values, describe(name, description), { absent: () => undefined });
  }

  /** Like {@link optional}, for options that a profile may set too. */
  sourced<T>(
    name: OptionName,
    values: SettingParser<T>,
    description: string,
  ): Parser<"sync", Sourced<T> | undefined, unknown> {
    this.#variables.add(variableOf(name));
    const parser = map(
      option(name, values.onCommandLine ?? values, { description: describe(name, description) }),
      given,
    );
    return withDefault(parser, () => {
      const value = this.#readValue(name, values);
      return value === undefined ? undefined : { value, from: "environment" } as const;
    }, { message: [] });
  }

  /** Like {@link flag}, for flags that a profile may set too. */
  sourcedFlag(name: OptionName, description: string): Parser<"sync", Sourced<boolean> | undefined, unknown> {
    this.#variables.add(variableOf(name));
    const parser = map(flag(name, { description: describe(name, description) }), given);
    return withDefault(parser, () => {
      const value = this.#readBoolean(name);
      return value === undefined ? undefined : { value, from: "environment" } as const;
    }, { message: message`off` });
  }

  /** Creates an option with a default, which `standard` spells as on the command line. */
  withDefault<T>(
    name: OptionName,
    values: SettingParser<T>,
    { standard, description }: { standard: string; description: string },
  ): Parser<"sync", T, unknown> {
    const parsed = values.parse(standard);
    if (!parsed.success) throw new TypeError(`the default of ${name} is not valid`);
    return this.#option(name, values, describe(name, description), { absent: () => parsed.value, shown: standard });
  }

  /** Creates a flag that is off unless given; its variable accepts 1, true, yes, on, and 0, false, no, off. */
  flag(name: OptionName, description: string): Parser<"sync", boolean, unknown> {
    return this.flagOfSections(name, [this], description, ([value]) => value);
  }

  /** Creates a flag that belongs to several sections: `make` receives the value of each section. */
  flagOfSections<T>(
    name: OptionName,
    sections: readonly OptionsWithEnv[],
    description: string,
    make: (values: readonly boolean[]) => T,
  ): Parser<"sync", T, unknown> {
    for (const section of sections) section.#declareBoolean(name);
    this.#variables.add(variableOf(name));
    const parser = map(flag(name, { description: describe(name, description) }), () => sections.map(() => true));
    const fallback = () => sections.map((section) => section.#readBoolean(name) ?? false);
    return map(withDefault(parser, fallback, { message: message`off` }), make);
  }

  /** Creates a flag that is on unless `--no-…` is given. */
  onUnlessNegated(name: OptionName, description: string): Parser<"sync", boolean, unknown> {
    this.#declareBoolean(name);
    this.#variables.add(variableOf(name));
    const names = { positive: name, negative: `--no-${name.slice(2)}` } as const;
    const parser = negatableFlag(names, { description: describe(name, description) });
    return withDefault(parser, () => this.#readBoolean(name) ?? true, { message: message`on` });
  }

  /** Creates a flag that exists on the command line only, because it concerns a single run. */
  once(name: OptionName, description: string): Parser<"sync", boolean, unknown> {
    return withDefault(flag(name, { description: [text(description)] }), false, { message: message`off` });
  }

  /** Creates a hidden flag without a variable, which chatd passes to processes that it starts. */
  internal(name: OptionName): Parser<"sync", boolean, unknown> {
    return withDefault(flag(name, { hidden: true }), false);
  }

  #option<T>(
    name: OptionName,
    values: SettingParser<T>,
    description: Message,
    { absent, shown }: { absent: () => T; shown?: string },
  ): Parser<"sync", T, unknown> {
    if (this.#section !== undefined) this.#settings.declare(this.#section, this.#settingName(name), values);
    this.#variables.add(variableOf(name));
    const parser = option(name, values.onCommandLine ?? values, { description });
    const fallback = () => this.#readValue(name, values) ?? this.#settingOf(name) as T | undefined ?? absent();
    return withDefault(parser, fallback, { message: shown === undefined ? [] : [text(shown)] });
  }

  #readValue<T>(name: OptionName, values: SettingParser<T>): T | undefined {
    const written = this.#env(variableOf(name));
    if (written === undefined || written === "") return undefined;
    const parsed = values.parse(written);
    if (parsed.success) return parsed.value;
    throw new WithDefaultError([...message`${envVar(variableOf(name))}: `, ...parsed.error]);
  }

  #settingOf(name: OptionName): unknown {
    return this.#section === undefined ? undefined : this.#settings.value(this.#section, this.#settingName(name));
  }

  #declareBoolean(name: OptionName): void {
    if (this.#section !== undefined) this.#settings.declareBoolean(this.#section, this.#settingName(name));
  }

  #settingName(name: OptionName): string {
    return this.#settingNames[name] ?? name.slice(2);
  }

  #readBoolean(name: OptionName): boolean | undefined {
    const written = this.#env(variableOf(name));
    if (written === undefined || written === "") return this.#settingOf(name) as boolean | undefined;
    const value = spellings.get(written.toLowerCase());
    if (value !== undefined) return value;
    throw new WithDefaultError(
      message`${envVar(variableOf(name))}: Expected 1 or 0, true or false, yes or no, but got ${
        JSON.stringify(written)
      }.`,
    );
  }
}

function given<T>(value: T): Sourced<T> {
  return { value, from: "command line" };
}

function describe(name: OptionName, description: string): Message {
  return message`${text(description)} (${envVar(variableOf(name))})`;
}
