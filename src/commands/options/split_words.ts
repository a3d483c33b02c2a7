/**
 * Splits a command into words without a shell: spaces separate words, quotes group them, and a backslash escapes a
 * character.
 * @throws {SyntaxError} if a quote is not closed, or there is no word
 */
export function splitWords(text: string): [string, ...string[]] {
  const words: string[] = [];
  let word: string | undefined;
  for (let rest = text; rest !== "";) {
    const found = /^(?:(\s+)|'([^']*)'|"((?:\\["\\]|\\(?!["\\])|[^"\\])*)"|\\([^])|([^\s'"\\]+))/.exec(rest);
    if (found === null) {
      throw new SyntaxError(`${rest[0] === "\\" ? "Nothing follows" : "There is no closing"} ${rest[0]}`);
    }
    const [all, space, single, double, escaped, plain] = found;
    if (space === undefined) {
      word = (word ?? "") + (single ?? double?.replace(/\\(["\\])/g, "$1") ?? escaped ?? plain);
    } else if (word !== undefined) {
      words.push(word);
      word = undefined;
    }
    rest = rest.slice(all.length);
  }
  if (word !== undefined) words.push(word);
  const [program, ...args] = words;
  if (program === undefined || program === "") throw new SyntaxError("The command is empty");
  return [program, ...args];
}
