/**
 * The simple commands of a script for a shell, each as its words: enough of the language for what documents show. Quotes are
 * taken away and variables left as they are; where output goes is left out, and so are comments.
 */
export function shellCommands(script: string): readonly string[][] {
  const commands: string[][] = [[]];
  const token =
    /\\\n|\s*#[^\n]*(?=\n|$)|\n|&&|\|\||[;|&()]|\d?>>?\s*\S+|<\s*\S+|[^\S\n]+|(?:\\.|'[^']*'|"(?:\\.|[^"])*"|\$\([^)]*\)|[^\s;|&()<>'"\\])+/gy;
  for (const [part] of script.matchAll(token)) {
    if (/^(\n|&&|\|\||[;|&()])$/.test(part)) commands.push([]);
    else if (!/^(\s|\\\n|\d?>|<)/.test(part) && !/^\s*#/.test(part)) commands.at(-1)!.push(unquoted(part));
  }
  return commands.filter((words) => words.length > 0);
}

function unquoted(word: string): string {
  return word.replace(
    /\\(.)|'([^']*)'|"((?:\\.|[^"])*)"/g,
    (_all, escaped, single, double) => escaped ?? single ?? double.replaceAll(/\\(.)/g, "$1"),
  );
}
