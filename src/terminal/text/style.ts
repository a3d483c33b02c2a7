import { hyperlink } from "./hyperlink.ts";
import type { Multiplexer } from "./multiplexer.ts";

/** Styles of text; each returns the text unchanged where the terminal has no such style. */
export interface Style {
  dim(text: string): string;
  bold(text: string): string;
  warn(text: string): string;
  /** Styles for marks in messages; a mark whose style is missing stays as it was typed. */
  readonly strong?: (text: string) => string;
  readonly italic?: (text: string) => string;
  readonly struck?: (text: string) => string;
  readonly code?: (text: string) => string;
  /** Makes a text that opens `target`, an address in ASCII. */
  readonly link?: (text: string, target: string) => string;
}

const plain: Style = { dim: (text) => text, bold: (text) => text, warn: (text) => text };

const bold = (text: string) => `\x1b[1m${text}\x1b[22m`;

const coloured: Style = {
  dim: (text) => `\x1b[2m${text}\x1b[22m`,
  bold,
  warn: (text) => `\x1b[33m${text}\x1b[39m`,
  strong: bold,
  italic: (text) => `\x1b[3m${text}\x1b[23m`,
  struck: (text) => `\x1b[9m${text}\x1b[29m`,
  code: (text) => `\x1b[36m${text}\x1b[39m`,
  link: (text, target) => hyperlink(`\x1b[4m${text}\x1b[24m`, target),
};

const monochrome: Style = { ...coloured, warn: bold, code: undefined };

/** Where the styles of a terminal are chosen from. */
export interface StyleEnvironment {
  /** As in https://no-color.org: any value but the empty one turns colours off. Bold and reverse are none. */
  readonly noColor: string | undefined;
  readonly term: string | undefined;
  /** A program between chatd and the terminal. */
  readonly multiplexer?: Multiplexer;
}

/** Terminals without colours, by their names in terminfo: the VT52 to VT420 of DEC, and variants in monochrome. */
const monochromeTerms = /^vt\d|-(?:m|mono)$/;

export function hasColours({ noColor, term = "" }: StyleEnvironment): boolean {
  return !noColor && term !== "dumb" && !monochromeTerms.test(term);
}

export function chooseStyle(environment: StyleEnvironment): Style {
  if (environment.term === "dumb") return plain;
  const style = hasColours(environment) ? coloured : monochrome;
  // screen shows no links, and the end of a long one as text: see multiplexer.ts.
  return environment.multiplexer === "screen" ? { ...style, link: undefined } : style;
}
