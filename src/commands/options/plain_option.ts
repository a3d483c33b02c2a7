import { text } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import type { ValueParser } from "@optique/core/valueparser";

/** Creates an optional option without an environment variable, because it concerns a single run. */
export function plainOption<T>(
  name: `--${string}`,
  values: ValueParser<"sync", T>,
  description: string,
): Parser<"sync", T | undefined, unknown> {
  return optional(option(name, values, { description: [text(description)] }));
}
