const root = new URL("../../", import.meta.url);

/** Commands for a shell that a document shows. */
export interface ShellBlock {
  readonly script: string;
  /** Where to find it: "README.md:15". */
  readonly place: string;
  /** The tests run it: after ```sh is the word "run". */
  readonly isRun: boolean;
}

/** README, CONTRIBUTING and everything in docs/, as paths from the top of the project. */
export function documents(): readonly string[] {
  const found = (folder: string): string[] =>
    [...Deno.readDirSync(new URL(folder, root))].flatMap(({ name, isDirectory }) => {
      if (isDirectory) return found(`${folder}${name}/`);
      return name.endsWith(".md") ? [`${folder}${name}`] : [];
    });
  return ["README.md", "CONTRIBUTING.md", ...found("docs/").toSorted()];
}

export function readDocument(path: string): string {
  return Deno.readTextFileSync(new URL(path, root));
}

/** The blocks of a document that are for a shell, in their order. */
export function shellBlocks(path: string): readonly ShellBlock[] {
  const text = readDocument(path);
  return [...text.matchAll(/^```sh( run)?\n([^]*?)^```$/gm)].map((match) => ({
    script: match[2],
    place: `${path}:${text.slice(0, match.index).split("\n").length}`,
    isRun: match[1] !== undefined,
  }));
}

/** What stands between single backticks, in paragraphs and tables. */
export function inlineCode(path: string): readonly string[] {
  const prose = readDocument(path).replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
}
