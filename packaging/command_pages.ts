import type { DocPage } from "@optique/core/doc";
import { getDocPageSync } from "@optique/core/parser";
import type { Usage, UsageTerm } from "@optique/core/usage";
import { commands } from "../src/cli/commands.ts";

/** The program's own description of one of its commands. */
export interface CommandPage {
  /** Such as `["user", "add"]`; empty for the program itself. */
  readonly path: readonly string[];
  readonly page: DocPage;
  /** Names of the subcommands. */
  readonly subcommands: readonly string[];
  /** Whether it is a command by itself, and not only the first word of its subcommands. */
  readonly runs: boolean;
}

/** Returns the program and all of its commands, each before its subcommands, in the order of the command table. */
export function commandPages(): readonly CommandPage[] {
  const parser = commands(() => undefined);
  const pagesFrom = (path: readonly string[]): CommandPage[] => {
    const page = getDocPageSync(parser, path);
    if (page === undefined) throw new TypeError(`the command table has no page for ${path.join(" ")}`);
    const subcommands = commandsIn(page.usage ?? []);
    const runs = subcommands.length === 0 || ownAlternatives(page.usage ?? []).length > 0;
    return [{ path, page, subcommands, runs }, ...subcommands.flatMap((name) => pagesFrom([...path, name]))];
  };
  return pagesFrom([]);
}

/** Returns all spellings of the options of a command, without hidden options. */
export function optionNames({ page }: CommandPage): readonly string[] {
  return page.sections.flatMap(({ entries }) =>
    entries.flatMap(({ term }) => term.type === "option" ? term.names : [])
  );
}

/** Returns whether an alternative is a subcommand, or a choice of subcommands. */
export function startsWithCommand([first]: Usage): boolean {
  return first?.type === "command" || (first?.type === "exclusive" && first.terms.every(startsWithCommand));
}

function ownAlternatives(usage: Usage): readonly Usage[] {
  return usage.flatMap((term) =>
    term.type === "exclusive" ? term.terms.filter((terms) => !startsWithCommand(terms)) : []
  );
}

/** Returns the subcommands: the first term of each alternative. */
function commandsIn(usage: Usage): readonly string[] {
  return usage.flatMap((term: UsageTerm) => {
    if (term.type !== "exclusive") return [];
    return term.terms.flatMap(([first]) => {
      if (first?.type === "command") return [first.name];
      return first?.type === "exclusive" ? commandsIn([first]) : [];
    });
  });
}
