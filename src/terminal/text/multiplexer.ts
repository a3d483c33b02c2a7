/** A program between chatd and the terminal, which passes on only sequences that are wrapped for it. */
export type Multiplexer = "tmux" | "screen";

/**
 * Bytes that a string of control characters may have in screen, which shows all that follow as text: MAXSTR - 1 in its
 * ansi.h, 255 in version 4.0, 767 since.
 */
const screenBytes = 255;
/** Ends a string within a string, in place of ST: BEL, which terminals take as well. */
const innerEnd = "\x07";
const stringEnd = "\x1b\\";

const utf8 = new TextEncoder();
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Returns the multiplexer in whose window this process runs. @param environment its variables TMUX and STY */
export function findMultiplexer(
  environment: { tmux: string | undefined; sty: string | undefined },
): Multiplexer | undefined {
  if (environment.tmux) return "tmux";
  return environment.sty ? "screen" : undefined;
}

/**
 * Wraps a sequence that ends with ST so that a multiplexer passes it to the terminal: tmux(1), "allow-passthrough";
 * screen(1), "Device Control String". For screen, the end of a long text is cut.
 */
export function passThrough(sequence: string, multiplexer: Multiplexer | undefined): string {
  if (sequence === "" || multiplexer === undefined) return sequence;
  if (multiplexer === "tmux") return `\x1bPtmux;${sequence.replaceAll("\x1b", "\x1b\x1b")}\x1b\\`;
  const text = cutToBytes(sequence.slice(0, -stringEnd.length), screenBytes - innerEnd.length);
  return `\x1bP${text}${innerEnd}${stringEnd}`;
}

/** Returns the characters at the beginning of a text that have at most `most` bytes in UTF-8. */
function cutToBytes(text: string, most: number): string {
  let bytes = 0;
  for (const { segment, index } of graphemes.segment(text)) {
    bytes += utf8.encode(segment).length;
    if (bytes > most) return text.slice(0, index);
  }
  return text;
}
