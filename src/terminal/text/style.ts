/** Styles of text; each returns the text unchanged where the terminal has no such style. */
export interface Style {
  dim(text: string): string;
  bold(text: string): string;
  warn(text: string): string;
}

const plain: Style = { dim: (text) => text, bold: (text) => text, warn: (text) => text };

const coloured: Style = {
  dim: (text) => `\x1b[2m${text}\x1b[22m`,
  bold: (text) => `\x1b[1m${text}\x1b[22m`,
  warn: (text) => `\x1b[33m${text}\x1b[39m`,
};

const monochrome: Style = { ...coloured, warn: coloured.bold };

/** Where the styles of a terminal are chosen from. */
export interface StyleEnvironment {
  /** As in https://no-color.org: any value but the empty one turns colours off. Bold and reverse are none. */
  readonly noColor: string | undefined;
  readonly term: string | undefined;
}

/** Terminals without colours, by their names in terminfo: the VT52 to VT420 of DEC, and variants in monochrome. */
const monochromeTerms = /^vt\d|-(?:m|mono)$/;

export function hasColours({ noColor, term = "" }: StyleEnvironment): boolean {
  return !noColor && term !== "dumb" && !monochromeTerms.test(term);
}

export function chooseStyle(environment: StyleEnvironment): Style {
  if (environment.term === "dumb") return plain;
  return hasColours(environment) ? coloured : monochrome;
}
