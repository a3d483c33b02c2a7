import type { FaceContext } from "../chat/chat_face.ts";
import { chooseConversation } from "../chat/conversations/conversation_keys.ts";
import type { KeyHelp } from "../input/key_help.ts";
import type { ScreenKey } from "../input/key_decoder.ts";
import type { FocusSwitch } from "./focus_switch.ts";
import type { PaneSize } from "./message_pane.ts";

/** Keys that do something to the screen around the input line. */
export const screenKeys: readonly KeyHelp[] = [
  ["PgUp, PgDn, the wheel", "Scroll; Ctrl-Home and Ctrl-End: to the oldest loaded, to the newest"],
  ["Alt-J", "Go to the message that a reply answers"],
  ["Alt-L", "Show the messages alone, to select and copy them; again: as before"],
  ["Ctrl-L, Ctrl-Z", "Redraw the screen; suspend until fg"],
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

/** Applies keys that scroll, suspend, or turn to another conversation. */
export class ScreenKeys {
  readonly #options: ScreenKeysOptions;

  constructor(options: ScreenKeysOptions) {
    this.#options = options;
  }

  apply(key: ScreenKey): void {
    const { context, suspend, toggleBare } = this.#options;
    const scroll = this.#scroll(key);
    if (scroll !== undefined) context.person.attempt(scroll);
    else if (key === "suspend") context.person.attempt(suspend);
    else if (key === "bare") toggleBare();
    else if (key === "answered") this.#goToAnswered();
    else chooseConversation(key, context);
  }

  #goToAnswered(): void {
    const { context, focus, paneSize } = this.#options;
    const seq = focus.now.answered(paneSize());
    if (seq !== undefined) context.person.jump({ seq });
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
  }
}
