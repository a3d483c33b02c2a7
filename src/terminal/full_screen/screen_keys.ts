import type { FaceContext } from "../chat/chat_face.ts";
import type { KeyHelp } from "../input/key_help.ts";
import type { ScreenKey } from "../input/key_decoder.ts";
import type { FocusSwitch } from "./focus_switch.ts";
import type { PaneSize } from "./message_pane.ts";

/** Keys that do something to the screen around the input line. */
export const screenKeys: readonly KeyHelp[] = [
  ["PgUp, PgDn, the wheel", "Scroll; Ctrl-Home and Ctrl-End: to the oldest loaded, to the newest"],
  ["Alt-A, Alt-1 … Alt-9", "Go to the next conversation with unread messages, or to one of the list"],
  ["Alt-J, Alt-Shift-J", "Go to the message that a reply answers; go back"],
  ["Ctrl-R", "Search the lines that you sent"],
  ["Alt-L", "Show the messages alone, to select and copy them; again: as before"],
  ["Ctrl-L, Ctrl-Z", "Redraw the screen; suspend until fg"],
  ["\\ at the end", "Begin a new line, like Alt-Enter"],
];

/** Rows that a step of the wheel scrolls by. */
const wheelRows = 3;

export interface ScreenKeysOptions {
  readonly context: FaceContext;
  readonly focus: FocusSwitch;
  /** The size of the messages' pane now. */
  paneSize(): PaneSize;
  suspend(): Promise<void>;
  toggleBare(): void;
}

/** Applies keys that scroll, or turn to another conversation. */
export class ScreenKeys {
  readonly #options: ScreenKeysOptions;

  constructor(options: ScreenKeysOptions) {
    this.#options = options;
  }

  apply(key: ScreenKey): void {
    const { context: { state, person }, suspend, toggleBare } = this.#options;
    const scroll = this.#scroll(key);
    if (scroll !== undefined) person.attempt(scroll);
    else if (key === "next-unread") this.#choose(state.list.nextUnread(state.current?.conversation)?.conversation);
    else if (key === "suspend") person.attempt(suspend);
    else if (key === "bare") toggleBare();
    else if (key.startsWith("conversation-")) {
      this.#choose(state.list.all[Number(key.slice("conversation-".length)) - 1]?.conversation);
    }
  }

  #scroll(key: ScreenKey): (() => Promise<void>) | undefined {
    const { focus, paneSize } = this.#options;
    const size = paneSize();
    const page = Math.max(1, size.rows - 2);
    if (key === "page-up") return () => focus.now.scroll(page, size);
    if (key === "page-down") return () => focus.now.scroll(-page, size);
    if (key === "wheel-up") return () => focus.now.scroll(wheelRows, size);
    if (key === "wheel-down") return () => focus.now.scroll(-wheelRows, size);
    if (key === "oldest") return () => focus.now.scroll(Number.MAX_SAFE_INTEGER, size);
    if (key === "newest") return () => focus.now.toNewest();
    if (key === "answered") return () => focus.now.goToAnswered(size);
    if (key === "back") return () => focus.now.back(size);
  }

  #choose(conversation: string | undefined): void {
    if (conversation !== undefined) this.#options.context.person.choose(conversation);
  }
}
