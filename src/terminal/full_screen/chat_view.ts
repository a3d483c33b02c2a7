import { sanitizeLine } from "../../core/sanitize.ts";
import type { ConversationNames } from "../chat/conversation_names.ts";
import type { ReadMarks } from "../chat/read_marks.ts";
import type { Transfers } from "../chat/transfers.ts";
import type { TypingSigns } from "../chat/typing_signs.ts";
import type { ConversationList } from "../chat/conversation_list.ts";
import type { FocusSwitch } from "./focus_switch.ts";
import type { Frame } from "./frame.ts";
import type { PaneSize } from "./message_pane.ts";
import type { Palette } from "./palette.ts";
import type { ScreenInput } from "./screen_input.ts";
import { compose, layOut, layOutInput } from "./screen_view.ts";
import type { Sending } from "../chat/sending.ts";
import type { StatusBar } from "./status_bar.ts";

/** What is seen of the chat. */
export interface ChatViewOptions {
  readonly palette: Palette;
  readonly names: ConversationNames;
  readonly list: ConversationList;
  readonly focus: FocusSwitch;
  readonly input: ScreenInput;
  readonly sending: Sending;
  readonly transfers: Transfers;
  readonly typing: TypingSigns;
  readonly status: StatusBar;
  readonly readMarks: ReadMarks;
  /** Who is there. */
  readonly online: ReadonlySet<string>;
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Draws the chat. What is drawn of the conversation before the person's eyes is read. */
export class ChatView {
  readonly #options: ChatViewOptions;

  constructor(options: ChatViewOptions) {
    this.#options = options;
  }

  /** The size of the messages' pane on a screen of a size. */
  pane(size: Size): PaneSize {
    return this.#layOut(size).pane;
  }

  draw(size: Size): Frame {
    const { palette, names, list, focus, readMarks, typing, status } = this.#options;
    const layout = this.#layOut(size);
    const { current, pane, window, loaded, isLoading } = focus.now;
    const view = pane.view(layout.pane);
    if (current !== undefined && view.atNewest && loaded) {
      readMarks.shown(current.address, window.head);
      list.read(current.conversation, window.head, { all: true });
    }
    const topic = current === undefined ? "" : list.get(current.conversation)?.topic ?? "";
    const title = current === undefined ? "" : names.label(current.conversation);
    return compose({
      ...this.#below,
      list: this.#listRows(),
      title: topic === "" ? title : `${title} — ${sanitizeLine(topic)}`,
      messages: view.rows,
      status: status.text({
        writing: current === undefined ? "" : typing.describe(current.conversation),
        below: view.atNewest || window.lastSeq === 0 ? "" : "↓ more below, Ctrl-End",
        loading: isLoading,
      }),
    }, { size, layout, palette });
  }

  #listRows() {
    const { list, names, focus, online } = this.#options;
    return list.all.map(({ conversation, address, unread, mentions, invitedBy }) => ({
      label: names.label(conversation),
      unread,
      mentions,
      isFocused: conversation === focus.now.current?.conversation,
      isOnline: online.has(address),
      isInvitation: invitedBy !== undefined,
    }));
  }

  get #below() {
    const { names, focus, input, sending, transfers } = this.#options;
    const { prompt, ...shown } = input.view;
    const { current } = focus.now;
    const usual = `[${current === undefined ? "nobody" : names.label(current.conversation)}] `;
    return { ...shown, prompt: prompt ?? usual, pending: [...sending.lines, ...transfers.lines] };
  }

  #layOut(size: Size) {
    return layOut(size, layOutInput(this.#below, size, this.#options.palette).rows.length);
  }
}
