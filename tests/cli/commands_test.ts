import assert from "node:assert/strict";
import { type CommandPage, commandPages, optionNames } from "../../packaging/command_pages.ts";
import { commandTable } from "../../src/cli/commands.ts";

const pages = commandPages();

/** The pages of the commands whose command lines begin with `word`. */
function pagesOf(word: string): readonly CommandPage[] {
  return pages.filter(({ path, runs }) => path[0] === word && runs);
}

Deno.test("a command reads a configuration file if and only if it has --config", () => {
  for (const { word, readsConfig } of commandTable) {
    for (const page of pagesOf(word)) {
      assert.equal(optionNames(page).includes("--config"), readsConfig, page.path.join(" "));
    }
  }
});

Deno.test("every entry of the table is a separate command, in the order of the help", () => {
  const words = commandTable.map(({ word }) => word);
  assert.deepEqual(pages.find(({ path }) => path.length === 0)?.subcommands, words);
  assert.equal(new Set(words).size, words.length);
});
