/** The effect of a key on an input line. */
export type KeyCommand =
  | "submit"
  | "newline"
  | "left"
  | "right"
  | "word-left"
  | "word-right"
  | "start"
  | "end"
  | "up"
  | "down"
  | "erase-left"
  | "erase-right"
  | "erase-word-left"
  | "erase-word-right"
  | "erase-to-start"
  | "erase-to-end"
  | "yank"
  | "undo"
  | "complete"
  | "clear-screen"
  | "interrupt"
  | "end-of-input";

/** The effect of a key on the screen around the input line; line mode ignores it. */
export type ScreenKey =
  | "page-up"
  | "page-down"
  | "wheel-up"
  | "wheel-down"
  | "oldest"
  | "newest"
  | "next-unread"
  /** The message that a reply answers. */
  | "answered"
  | "back"
  | "next-conversation"
  | "previous-conversation"
  /** The conversation before the current one. */
  | "last-conversation"
  | "search"
  | "suspend"
  /** Shows the messages without anything beside them. */
  | "bare"
  | "cancel"
  /** The first to the ninth conversation of the list. */
  | `conversation-${number}`;

export type Key =
  | { readonly kind: "command"; readonly command: KeyCommand }
  | { readonly kind: "screen"; readonly key: ScreenKey }
  | { readonly kind: "text"; readonly text: string }
  /** With newlines as "\n". */
  | { readonly kind: "paste"; readonly text: string }
  /** Not a key: the terminal reports the column of its cursor, counted from 0. */
  | { readonly kind: "cursor"; readonly column: number }
  /** Not a key: the terminal reports that it got or lost the focus. */
  | { readonly kind: "focus"; readonly isFocused: boolean };

/** Longest paste, in UTF-16 units; the rest is dropped. */
const maxPaste = 64 * 1024;
const pasteEnd = "\x1b[201~";

const controls: Readonly<Record<string, KeyCommand>> = {
  "\r": "submit",
  "\n": "submit",
  "\t": "complete",
  "\x01": "start",
  "\x02": "left",
  "\x03": "interrupt",
  "\x04": "end-of-input",
  "\x05": "end",
  "\x06": "right",
  "\x08": "erase-left",
  "\x7f": "erase-left",
  "\x0b": "erase-to-end",
  "\x0c": "clear-screen",
  "\x15": "erase-to-start",
  "\x17": "erase-word-left",
  "\x19": "yank",
  "\x1f": "undo",
};

/** By the sequence after ESC; xterm's control sequences (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). */
const sequences: Readonly<Record<string, KeyCommand>> = {
  "[A": "up",
  "[B": "down",
  "[C": "right",
  "[D": "left",
  "[H": "start",
  "[F": "end",
  "[1~": "start",
  "[4~": "end",
  "[7~": "start",
  "[8~": "end",
  "[3~": "erase-right",
  "[3;5~": "erase-word-right",
  "[1;5C": "word-right",
  "[1;5D": "word-left",
  "[1;3C": "word-right",
  "[1;3D": "word-left",
  OA: "up",
  OB: "down",
  OC: "right",
  OD: "left",
  OH: "start",
  OF: "end",
  b: "word-left",
  f: "word-right",
  d: "erase-word-right",
  "\x7f": "erase-word-left",
  "\r": "newline",
  "\n": "newline",
};

const screenControls: Readonly<Record<string, ScreenKey>> = {
  "\x07": "cancel",
  "\x0e": "next-conversation",
  "\x10": "previous-conversation",
  "\x12": "search",
  "\x1a": "suspend",
};

const screenSequences: Readonly<Record<string, ScreenKey>> = {
  "[5~": "page-up",
  "[6~": "page-down",
  "[1;5H": "oldest",
  "[1;5F": "newest",
  "[1;3A": "previous-conversation",
  "[1;3B": "next-conversation",
  a: "next-unread",
  l: "bare",
  j: "answered",
  J: "back",
  "`": "last-conversation",
};

/** Buttons 4 and 5 of a mouse, the wheel, as xterm numbers them. */
const wheel: Readonly<Record<number, ScreenKey>> = { 64: "wheel-up", 65: "wheel-down" };
/** The bits of a mouse button that say which of Shift, Alt and Ctrl are held. */
const mouseModifiers = 4 | 8 | 16;

// deno-lint-ignore no-control-regex -- keys send sequences that begin with ESC
const wholeSequence = /^\x1b(\[M[^]{3}|\[(?!M)[0-?]*[ -/]*[@-~]|O[\x20-\x7e]|[^[O])/;
// deno-lint-ignore no-control-regex -- see above
const partialSequence = /^\x1b(\[M[^]{0,2}|\[[0-?]*[ -/]*|O)?$/;
/** A report of a mouse as in SGR mode (1006), or as in the older mode where a terminal does not know that one. */
const mouseReport = /^\[(?:<(\d+);\d+;\d+M|M([^])[^]{2}$)/;
/** CPR, ECMA-48 8.3.14. */
const cursorReport = /^\[\d+;(\d+)R$/;
/** Reports of the focus, in xterm's private mode 1004. */
const focusReport = /^\[[IO]$/;
// deno-lint-ignore no-control-regex -- see above
const plainText = /^[^\x00-\x1f\x7f-\x9f]+/;

/**
 * How long the rest of a key may take after its beginning, in milliseconds. A terminal sends a key at once, so that only
 * a slow link cuts it in two; ESC alone is a key too, and the next one must not be taken for its rest. Vim and Neovim
 * wait for 50 to 100 ms, readline for 500 (keyseq-timeout).
 */
const patience = { escape: 100, introducer: 500 };

/** Decodes terminal input into keys, across reads that cut a key in two. */
export class KeyDecoder {
  readonly #utf8 = new TextDecoder();
  #rest = "";
  #paste: string | undefined;

  decode(bytes: Uint8Array): Key[] {
    this.#rest += this.#utf8.decode(bytes, { stream: true });
    const keys: Key[] = [];
    while (this.#rest !== "") {
      const before = this.#rest.length;
      const key = this.#paste === undefined ? this.#nextKey() : this.#continuePaste();
      if (key) keys.push(key);
      if (this.#rest.length === before) break;
    }
    return keys;
  }

  /**
   * How long to wait for the rest of a sequence that may be a whole key, in milliseconds, before {@link expire}; undefined when
   * nothing is open, or only a sequence that no key on its own begins.
   */
  get patienceMs(): number | undefined {
    if (this.#paste !== undefined) return undefined;
    if (this.#rest === "\x1b") return patience.escape;
    return this.#rest === "\x1b[" || this.#rest === "\x1bO" ? patience.introducer : undefined;
  }

  /** The rest of a key did not come: ESC was a key of its own. */
  expire(): Key[] {
    if (this.patienceMs === undefined) return [];
    const isEscape = this.#rest === "\x1b";
    this.#rest = "";
    return isEscape ? [{ kind: "screen", key: "cancel" }] : [];
  }

  #nextKey(): Key | undefined {
    const text = plainText.exec(this.#rest)?.[0];
    if (text) return this.#take(text.length, { kind: "text", text });
    if (this.#rest[0] === "\x1b") return this.#nextSequence();
    const command = controls[this.#rest[0]];
    const screen = screenControls[this.#rest[0]];
    if (screen) return this.#take(1, { kind: "screen", key: screen });
    return this.#take(1, command && { kind: "command", command });
  }

  #nextSequence(): Key | undefined {
    if (partialSequence.test(this.#rest) && this.#rest.length < 32) return undefined;
    const [whole, sequence] = wholeSequence.exec(this.#rest) ?? ["\x1b", ""];
    if (sequence === "[200~") {
      this.#paste = "";
      return this.#take(whole.length, undefined);
    }
    const report = cursorReport.exec(sequence);
    if (report) return this.#take(whole.length, { kind: "cursor", column: Number(report[1]) - 1 });
    const mouse = mouseReport.exec(sequence);
    if (mouse) return this.#take(whole.length, mouseKey(mouse));
    if (focusReport.test(sequence)) return this.#take(whole.length, { kind: "focus", isFocused: sequence === "[I" });
    const screen = screenSequences[sequence] ??
      (/^[1-9]$/.test(sequence) && `conversation-${Number(sequence)}` as const);
    if (screen) return this.#take(whole.length, { kind: "screen", key: screen });
    const command = sequences[sequence];
    // ESC alone means nothing here: the next character is a key of its own.
    const alone = !command && sequence.length === 1;
    return this.#take(alone ? 1 : whole.length, command && { kind: "command", command });
  }

  #continuePaste(): Key | undefined {
    const end = this.#rest.indexOf(pasteEnd);
    // The start of the end sequence may be here: it stays.
    const taken = end >= 0 ? end : Math.max(0, this.#rest.length - pasteEnd.length + 1);
    const pasted = (this.#paste! + this.#rest.slice(0, taken)).slice(0, maxPaste);
    this.#paste = pasted;
    if (end < 0) return this.#take(taken, undefined);
    this.#paste = undefined;
    return this.#take(end + pasteEnd.length, { kind: "paste", text: pasted.replace(/\r\n?/g, "\n") });
  }

  #take(length: number, key: Key | undefined): Key | undefined {
    this.#rest = this.#rest.slice(length);
    return key;
  }
}

/** The key for a report of a mouse; buttons that are no wheel mean nothing. */
function mouseKey([, sgr, x10]: RegExpExecArray): Key | undefined {
  // The older mode adds 32 to keep the byte printable.
  const button = (sgr === undefined ? x10.charCodeAt(0) - 32 : Number(sgr)) & ~mouseModifiers;
  return Object.hasOwn(wheel, button) ? { kind: "screen", key: wheel[button] } : undefined;
}
