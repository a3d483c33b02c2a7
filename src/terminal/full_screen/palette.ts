import { fnv1a } from "../text/fnv1a.ts";
import { chooseStyle, hasColours, type Style, type StyleEnvironment } from "../text/style.ts";

/** Styles of the full screen. */
export interface Palette extends Style {
  /** A bar across the screen. */
  bar(text: string): string;
  /** A user's name, in the same colour everywhere and always. */
  name(name: string): string;
}

/** Those of the 256 colours that are readable on black and on white: their luminance is between 0.13 and 0.31. */
const middling = [28, 31, 61, 64, 67, 97, 99, 130, 131, 133, 136, 160, 161, 166, 168, 169, 172, 202];
/** Those of the 8 colours that themes keep readable. */
const basic = [1, 2, 4, 5, 6];

export function choosePalette(environment: StyleEnvironment): Palette {
  const style = chooseStyle(environment);
  const isPlain = style.bold("x") === "x";
  const has256 = environment.term?.includes("256") ?? false;
  return {
    ...style,
    bar: isPlain ? (text) => text : (text) => `\x1b[7m${text}\x1b[27m`,
    name: (name) => {
      if (!hasColours(environment)) return name;
      const number = fnv1a(name);
      const colour = has256 ? `38;5;${middling[number % middling.length]}` : `3${basic[number % basic.length]}`;
      return `\x1b[${colour}m${name}\x1b[39m`;
    },
  };
}
