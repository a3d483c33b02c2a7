import { envVar, type Message, message, optionName, text } from "@optique/core/message";
import { withDefault, WithDefaultError } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { flag, negatableFlag, option } from "@optique/core/primitives";
import type { ValueParser } from "@optique/core/valueparser";
import type { Environment } from "./environment.ts";

type OptionName = `--${string}`;

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

/** The environment variable that stands for an option: `CHATD_TLS_CERT` for `--tls-cert`. */
export function variableOf(name: OptionName): string {
  return `CHATD_${name.slice(2).toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Makes options that can also be given as environment variables. The command line comes before the variable, and the
 * variable before the default; an empty variable counts as not set.
 */
export class OptionsWithEnv {
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** An option that must be given one way or the other. */
  required<T>(name: OptionName, values: ValueParser<"sync", T>, description: string): Parser<"sync", T, unknown> {
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
    values: ValueParser<"sync", T>,
    description: string,
  ): Parser<"sync", T | undefined, unknown> {
    return this.#option<T | undefined>(name, values, describe(name, description), { absent: () => undefined });
  }

  /** `standard` is written as on the command line. */
  withDefault<T>(
    name: OptionName,
    values: ValueParser<"sync", T>,
    { standard, description }: { standard: string; description: string },
  ): Parser<"sync", T, unknown> {
    const parsed = values.parse(standard);
    if (!parsed.success) throw new TypeError(`the default of ${name} is not valid`);
    return this.#option(name, values, describe(name, description), { absent: () => parsed.value, shown: standard });
  }

  /** Off unless given; the variable takes 1, true, yes, on, and 0, false, no, off. */
  flag(name: OptionName, description: string): Parser<"sync", boolean, unknown> {
    const parser = flag(name, { description: describe(name, description) });
    return withDefault(parser, () => this.#boolean(name) ?? false, { message: message`off` });
  }

  /** On unless `--no-…` is given. */
  onUnlessNegated(name: OptionName, description: string): Parser<"sync", boolean, unknown> {
    const names = { positive: name, negative: `--no-${name.slice(2)}` } as const;
    const parser = negatableFlag(names, { description: describe(name, description) });
    return withDefault(parser, () => this.#boolean(name) ?? true, { message: message`on` });
  }

  /** Off unless given; shown to nobody, and without a variable: chatd gives it to processes that it starts. */
  internal(name: OptionName): Parser<"sync", boolean, unknown> {
    return withDefault(flag(name, { hidden: true }), false);
  }

  #option<T>(
    name: OptionName,
    values: ValueParser<"sync", T>,
    description: Message,
    { absent, shown }: { absent: () => T; shown?: string },
  ): Parser<"sync", T, unknown> {
    const parser = option(name, values, { description });
    const fallback = () => {
      const written = this.#env(variableOf(name));
      if (written === undefined || written === "") return absent();
      const parsed = values.parse(written);
      if (parsed.success) return parsed.value;
      throw new WithDefaultError([...message`${envVar(variableOf(name))}: `, ...parsed.error]);
    };
    return withDefault(parser, fallback, { message: shown === undefined ? [] : [text(shown)] });
  }

  #boolean(name: OptionName): boolean | undefined {
    const written = this.#env(variableOf(name));
    if (written === undefined || written === "") return undefined;
    const value = spellings.get(written.toLowerCase());
    if (value !== undefined) return value;
    throw new WithDefaultError(
      message`${envVar(variableOf(name))}: Expected 1 or 0, true or false, yes or no, but got ${
        JSON.stringify(written)
      }.`,
    );
  }
}

function describe(name: OptionName, description: string): Message {
  return message`${text(description)} (${envVar(variableOf(name))})`;
}
