import type { DocPage } from "@optique/core/doc";
import { getDocPageSync } from "@optique/core/parser";
import type { Usage, UsageTerm } from "@optique/core/usage";
import { commands } from "../src/cli/commands.ts";
import { ConfigSettings } from "../src/commands/options/config_settings.ts";

/** What the program itself says of one of its commands. */
export interface CommandPage {
  /** `["user", "add"]`, say; nothing for the program. */
  readonly path: readonly string[];
  readonly page: DocPage;
  /** Names of the commands below; none for what can be run. */
  readonly subcommands: readonly string[];
}

/** The program and all of its commands, each before those below it, in the order of the command table. */
export function commandPages(): readonly CommandPage[] {
  const parser = commands(() => undefined, new ConfigSettings(undefined));
  const pagesFrom = (path: readonly string[]): CommandPage[] => {
    const page = getDocPageSync(parser, path);
    if (page === undefined) throw new TypeError(`the command table has nothing about ${path.join(" ")}`);
    const subcommands = commandsIn(page.usage ?? []);
    return [{ path, page, subcommands }, ...subcommands.flatMap((name) => pagesFrom([...path, name]))];
  };
  return pagesFrom([]);
}

/** All spellings of the options of a command, those that are shown to nobody left out. */
export function optionNames({ page }: CommandPage): readonly string[] {
  return page.sections.flatMap(({ entries }) =>
    entries.flatMap(({ term }) => term.type === "option" ? term.names : [])
  );
}

/** The commands that can come next: the first of each alternative. */
function commandsIn(usage: Usage): readonly string[] {
  return usage.flatMap((term: UsageTerm) => {
    if (term.type !== "exclusive") return [];
    return term.terms.flatMap(([first]) => {
      if (first?.type === "command") return [first.name];
      return first?.type === "exclusive" ? commandsIn([first]) : [];
    });
  });
}
