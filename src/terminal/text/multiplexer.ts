/** A program between chatd and the terminal, which passes on only sequences that are wrapped for it. */
export type Multiplexer = "tmux" | "screen";

/** Returns the multiplexer in whose window this process runs. @param environment its variables TMUX and STY */
export function findMultiplexer(
  environment: { tmux: string | undefined; sty: string | undefined },
): Multiplexer | undefined {
  if (environment.tmux) return "tmux";
  return environment.sty ? "screen" : undefined;
}

/**
 * Wraps a sequence that ends with ST so that a multiplexer passes it to the terminal: tmux(1), "allow-passthrough";
 * screen(1), "Device Control String".
 */
export function passThrough(sequence: string, multiplexer: Multiplexer | undefined): string {
  if (sequence === "" || multiplexer === undefined) return sequence;
  if (multiplexer === "tmux") return `\x1bPtmux;${sequence.replaceAll("\x1b", "\x1b\x1b")}\x1b\\`;
  // ST would end the string of screen; terminals take BEL instead.
  return `\x1bP${sequence.slice(0, -"\x1b\\".length)}\x07\x1b\\`;
}
