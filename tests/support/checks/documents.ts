const root = new URL("../../..", import.meta.url);

/** A block of shell commands in a document. */
export interface ShellBlock {
  readonly script: string;
  /** Its document and line: "README.md:15". */
  readonly place: string;
  /** Whether the tests run it: "```sh run" begins it. */
  readonly isRun: boolean;
}

/** Returns README, CONTRIBUTING and all documents in docs/, as paths from the top of the project. */
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

/** Returns the blocks of shell commands in a document, in order. */
export function shellBlocks(path: string): readonly ShellBlock[] {
  const text = readDocument(path);
  return [...text.matchAll(/^```sh( run)?\n([^]*?)^```$/gm)].map((match) => ({
    script: match[2],
    place: `${path}:${text.slice(0, match.index).split("\n").length}`,
    isRun: match[1] !== undefined,
  }));
}

/** Returns the code spans of a document, outside of blocks. */
export function inlineCode(path: string): readonly string[] {
  const prose = readDocument(path).replaceAll(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
}
