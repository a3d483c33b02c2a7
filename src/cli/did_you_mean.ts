import type { Message } from "@optique/core/message";
import { type Parser, suggestSync } from "@optique/core/parser";
import { findSimilar } from "@optique/core/suggestion";

/** Suggests options or commands for the unexpected word that `error` reports. */
export function didYouMean(
  parser: Parser<"sync", unknown, unknown>,
  args: readonly string[],
  error: Message,
): readonly string[] {
  const [words, unexpected] = error;
  if (words?.type !== "text" || !words.text.startsWith("Unexpected") || unexpected?.type !== "optionName") return [];
  if (!args.includes(unexpected.optionName)) return [];
  // The word may be the value of an option before it.
  const before = args.slice(0, args.lastIndexOf(unexpected.optionName));
  const word = unexpected.optionName.split("=")[0];
  const candidates = word.startsWith("-")
    ? [...completions(parser, before, "--"), "--help", "--version"]
    : completions(parser, before, "");
  return findSimilar(word, candidates, { maxDistance: 3, maxDistanceRatio: 0.5, maxSuggestions: 2 });
}

/**
 * Returns the command that `args` begin with, such as `["grpc-server"]` or `["user", "add"]`; empty if there is none.
 */
export function commandPath(parser: Parser<"sync", unknown, unknown>, args: readonly string[]): readonly string[] {
  const path: string[] = [];
  for (const word of args) {
    if (word.startsWith("-") || !completions(parser, path, "").includes(word)) break;
    path.push(word);
  }
  return path;
}

function completions(parser: Parser<"sync", unknown, unknown>, before: readonly string[], prefix: string): string[] {
  const [first, ...rest] = [...before, prefix];
  return suggestSync(parser, [first, ...rest]).flatMap(({ kind, ...suggestion }) =>
    kind === "literal" && "text" in suggestion ? [suggestion.text] : []
  );
}
