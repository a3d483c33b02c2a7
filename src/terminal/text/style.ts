/** Styles of text; each returns the text unchanged where the terminal should not be coloured. */
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

/** @param environment.noColor as in https://no-color.org: any value but the empty one turns colours off */
export function chooseStyle(environment: { noColor: string | undefined; term: string | undefined }): Style {
  return environment.noColor || environment.term === "dumb" ? plain : coloured;
}
