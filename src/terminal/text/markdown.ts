import { Lexer, type Token, type Tokens } from "marked";
import { sanitizeLines } from "../../core/sanitize.ts";
import { linkTarget } from "./hyperlink.ts";
import type { Style } from "./style.ts";

/** A line of a formatted text. */
export interface FormattedLine {
  /** Safe for a terminal, styled. */
  readonly text: string;
  /** The start of the rows that the line continues in, where it is broken. */
  readonly continuation: string;
}

export interface FormatOptions {
  readonly style: Style;
  /** Whether marks such as `**` become styles; else only links are marked. */
  readonly markdown: boolean;
  /** The style of the whole text. */
  readonly base?: (text: string) => string;
}

/** A longer line is shown as it was typed, and one with more marks too: the time to parse it grows with their square. */
const maxParsedLength = 2_000;
const maxMarks = 60;

/**
 * Formats a text that another person may have written: bold, italic, struck, code, fenced blocks, quotes, lists and
 * links, as CommonMark and GFM mark them, with the exceptions that people expect of a chat:
 *
 * - Each line stands alone: a line after a quote or a list item is not a part of it.
 * - Headings, tables, HTML, images and links with another text than their address stay as they were typed.
 * - Only marks at the edge of a word count, and `__` never does, so that globs, paths and `__init__` stay whole.
 * - A mark is only removed where the terminal shows its style instead. A backslash is never removed.
 */
export function formatText(text: string, { style, markdown, base = (plain) => plain }: FormatOptions): FormattedLine[] {
  const inline = (line: string) => formatInline(line, { style, markdown, base });
  const lines = sanitizeLines(text);
  if (!markdown) return lines.map((line) => ({ text: inline(line), continuation: "" }));
  const formatted: FormattedLine[] = [];
  for (let i = 0; i < lines.length; i++) {
    const block = style.code && fencedBlock(lines, i);
    if (block === undefined) {
      formatted.push(formatBlockLine(lines[i], { style, inline, base }));
      continue;
    }
    // Beside the sender's name, the first line of a block would not stand below the others.
    if (i === 0) formatted.push({ text: "", continuation: "" });
    const { code } = style;
    formatted.push(...block.map((line) => ({ text: line === "" ? "" : base(code!(line)), continuation: "" })));
    i += block.length + 1;
  }
  return formatted;
}

/** Returns the lines of the block whose opening fence is at `start`, or undefined: the lines there are no block. */
function fencedBlock(lines: readonly string[], start: number): readonly string[] | undefined {
  const [, fence] = /^ {0,3}(`{3,}|~{3,})[^`]*$/.exec(lines[start]) ?? [];
  if (fence === undefined) return undefined;
  const closing = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
  const end = lines.findIndex((line, i) => i > start && closing.test(line));
  return end < 0 ? undefined : lines.slice(start + 1, end);
}

function formatBlockLine(
  line: string,
  { style, inline, base }: { style: Style; inline(text: string): string; base(text: string): string },
): FormattedLine {
  const [, quotes, quoted] = /^((?:> ?)*>)(?: (.*))?$/.exec(line) ?? [];
  if (quotes !== undefined) {
    const bars = base(style.dim("│ ".repeat(quotes.replaceAll(" ", "").length)));
    return { text: bars + inline(quoted ?? ""), continuation: bars };
  }
  const [, space, marker, item] = /^( *)([-*]|\d{1,9}[.)]) +(\S.*)$/.exec(line) ?? [];
  if (marker === undefined) return { text: inline(line), continuation: "" };
  const bullet = marker === "*" ? "•" : marker;
  return {
    text: `${space}${base(bullet)} ${inline(item)}`,
    continuation: " ".repeat(space.length + marker.length + 1),
  };
}

function formatInline(
  line: string,
  { style, markdown, base }: { style: Style; markdown: boolean; base(text: string): string },
): string {
  if (line === "") return "";
  if (line.length > maxParsedLength || line.replace(/[^*_]/g, "").length > maxMarks) return base(line);
  return format(Lexer.lexInline(line), { style, markdown, set: base });
}

interface InlineOptions {
  readonly style: Style;
  readonly markdown: boolean;
  /** Applies the styles around a part. */
  set(text: string): string;
}

function format(tokens: readonly Token[], options: InlineOptions): string {
  const parts = tokens.map((token, i) => {
    const isAtEdge = isEdge(tokens[i - 1]?.raw.at(-1)) && isEdge(tokens[i + 1]?.raw.at(0));
    return formatToken(token, isAtEdge, options);
  });
  return parts.join("");
}

function formatToken(token: Token, isAtEdge: boolean, options: InlineOptions): string {
  const { style, markdown, set } = options;
  if (token.type === "link") return formatLink(token as Tokens.Link, options);
  if (token.type === "codespan" && markdown && style.code) return set(style.code(token.text));
  const { raw, tokens } = token as { raw: string; tokens?: Token[] };
  if (tokens === undefined || !emphases.has(token.type)) return set(raw);
  const emphasis = markdown && isAtEdge ? emphasisOf(token, style) : undefined;
  if (emphasis !== undefined) return format(tokens, { ...options, set: (text) => set(emphasis(text)) });
  const mark = (raw.length - tokens.map((inner) => inner.raw).join("").length) / 2;
  return set(raw.slice(0, mark)) + format(tokens, options) + set(raw.slice(raw.length - mark));
}

const emphases = new Set(["strong", "em", "del"]);

/** Returns the style of a marked part; undefined where the mark stays. */
function emphasisOf({ type, raw }: Token, { strong, italic, struck }: Style): ((text: string) => string) | undefined {
  if (type === "strong") return raw.startsWith("**") ? strong : undefined;
  if (type === "em") return italic;
  return raw.startsWith("~~") ? struck : undefined;
}

function formatLink({ raw, href }: Tokens.Link, { style, set }: InlineOptions): string {
  const target = linkTarget(href);
  if (target === undefined || style.link === undefined) return set(raw);
  // "www.chatd.example" has no scheme, and "<https://…>" and "[text](https://…)" more than the address.
  const shown = raw.includes(href) ? href : /\s|[<[]/.test(raw) ? undefined : raw;
  if (shown === undefined) return set(raw);
  const at = raw.indexOf(shown);
  const [before, after] = [raw.slice(0, at), raw.slice(at + shown.length)];
  return (before && set(before)) + set(style.link(shown, target)) + (after && set(after));
}

/** Whether a mark beside this character is at the edge of a word; letters of scripts without spaces end no word. */
function isEdge(beside: string | undefined): boolean {
  return beside === undefined ||
    !/[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}_*~/\\@#$%&=+<>|]/u.test(beside);
}
