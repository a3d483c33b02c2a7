/** A line that opens a block of code, or closes one if it has no further text. */
const fence = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;

/**
 * Returns a text with a backquote in place of each part that Markdown shows as code: blocks between lines of three
 * backquotes or tildes, and spans between backquotes within a line. A mark without its counterpart is none, as on the
 * screen of the terminal client. The time is linear.
 */
export function withoutCode(text: string): string {
  if (!/`|~~~/.test(text)) return text;
  const lines = text.split(/\r?\n/);
  const closings = longestClosings(lines);
  const kept: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const mark = fence.exec(lines[i])?.[1];
    if (mark === undefined || closings[i][mark[0] as Mark] < mark.length) {
      kept.push(withoutSpans(lines[i]));
      continue;
    }
    do i += 1; while (!closes(lines[i], mark));
    kept.push("`");
  }
  return kept.join("\n");
}

type Mark = "`" | "~";
type Longest = Readonly<Record<Mark, number>>;

/** Returns the longest closing fence of each character after each line, so that no search for one is in vain. */
function longestClosings(lines: readonly string[]): Longest[] {
  const found: Longest[] = [];
  let longest: Longest = { "`": 0, "~": 0 };
  for (const line of lines.toReversed()) {
    found.push(longest);
    const [, mark, after] = fence.exec(line) ?? [];
    if (mark === undefined || after.trim() !== "") continue;
    const character = mark[0] as Mark;
    longest = { ...longest, [character]: Math.max(longest[character], mark.length) };
  }
  return found.reverse();
}

function closes(line: string, opening: string): boolean {
  const [, mark, after] = fence.exec(line) ?? [];
  return mark !== undefined && after.trim() === "" && mark[0] === opening[0] && mark.length >= opening.length;
}

/**
 * A run of backquotes opens a span that the next run of the same length closes (CommonMark 0.31, section 6.1). A
 * backslash takes the first backquote of an opening run (section 2.4), but none within a span.
 */
function withoutSpans(line: string): string {
  const runs = [...line.matchAll(/`+/g)].map(({ 0: { length }, index }) => {
    const escaped = isEscaped(line, index) ? 1 : 0;
    return { end: index + length, length, opening: index + escaped, openingLength: length - escaped };
  });
  const nextOf = new Map<number, number>();
  const closing = runs.map(() => -1);
  for (let i = runs.length - 1; i >= 0; i--) {
    closing[i] = nextOf.get(runs[i].openingLength) ?? -1;
    nextOf.set(runs[i].length, i);
  }
  let kept = "";
  let from = 0;
  for (let i = 0; i < runs.length; i++) {
    if (closing[i] < 0) continue;
    kept += `${line.slice(from, runs[i].opening)}\``;
    i = closing[i];
    from = runs[i].end;
  }
  return kept + line.slice(from);
}

/** Returns whether an odd number of backslashes is before `index`. */
function isEscaped(line: string, index: number): boolean {
  let first = index;
  while (line[first - 1] === "\\") first -= 1;
  return (index - first) % 2 === 1;
}
