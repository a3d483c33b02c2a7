import { hyperlink } from "./hyperlink.ts";

/** Styles of text; each returns the text unchanged where the terminal should not be coloured. */
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

/** @param environment.noColor as in https://no-color.org: any value but the empty one turns colours off */
export function chooseStyle(environment: { noColor: string | undefined; term: string | undefined }): Style {
  return environment.noColor || environment.term === "dumb" ? plain : coloured;
}
