import { sanitizeLine } from "../../core/sanitize.ts";
import type { FaceContext } from "../chat/chat_face.ts";
import type { FocusSwitch } from "./focus_switch.ts";
import type { Frame } from "./frame.ts";
import type { PaneSize } from "./message_pane.ts";
import type { Palette } from "./palette.ts";
import type { ScreenInput } from "./screen_input.ts";
import { compose, layOut, layOutInput } from "./screen_view.ts";
import type { StatusBar } from "./status_bar.ts";

export interface ChatViewOptions {
  readonly palette: Palette;
  readonly context: FaceContext;
  readonly focus: FocusSwitch;
  readonly input: ScreenInput;
  readonly status: StatusBar;
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Draws the chat. The current conversation is shown up to its end when its newest message is drawn. */
export class ChatView {
  readonly #options: ChatViewOptions;

  constructor(options: ChatViewOptions) {
    this.#options = options;
  }

  /** The size of the message pane on a screen. */
  pane(size: Size): PaneSize {
    return this.#layOut(size).pane;
  }

  draw(size: Size): Frame {
    const { palette, context: { state, person }, focus, status } = this.#options;
    const { names, list } = state;
    const layout = this.#layOut(size);
    const { current, pane, window, loaded, isLoading } = focus.now;
    const view = pane.view(layout.pane);
    if (current !== undefined && view.atNewest && loaded) person.shown(current, window.head);
    const topic = current === undefined ? "" : list.get(current.conversation)?.topic ?? "";
    const title = current === undefined ? "" : names.label(current.conversation);
    return compose({
      ...this.#below,
      list: this.#listRows(),
      title: topic === "" ? title : `${title} — ${sanitizeLine(topic)}`,
      messages: view.rows,
      status: status.text({
        isAway: state.away.isAway,
        typing: this.#peerStatus,
        below: view.atNewest || window.lastSeq === 0 ? "" : "↓ more below, Ctrl-End",
        loading: isLoading,
      }),
    }, { size, layout, palette });
  }

  /** "ben is typing", "ben is away"; "" for neither. */
  get #peerStatus(): string {
    const { focus, context: { state: { names, presence, typing } } } = this.#options;
    const { current } = focus.now;
    if (current === undefined) return "";
    const isAway = presence.stateOf(current.address) === "away";
    return typing.describe(current.conversation) || (isAway ? `${names.label(current.conversation)} is away` : "");
  }

  #listRows() {
    const { focus, context: { state: { list, names, presence } } } = this.#options;
    return list.all.map(({ conversation, address, unread, mentions, invitedBy }) => ({
      label: names.label(conversation),
      unread,
      mentions,
      isFocused: conversation === focus.now.current?.conversation,
      presence: presence.stateOf(address),
      isInvitation: invitedBy !== undefined,
    }));
  }

  get #below() {
    const { focus, input, context: { state } } = this.#options;
    const { prompt, ...shown } = input.view;
    const { current } = focus.now;
    const usual = `[${current === undefined ? "no conversation" : state.names.label(current.conversation)}] `;
    return { ...shown, prompt: prompt ?? usual, pending: state.pending };
  }

  #layOut(size: Size) {
    return layOut(size, layOutInput(this.#below, size, this.#options.palette).rows.length);
  }
}
