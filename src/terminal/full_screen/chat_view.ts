import { sanitizeLine } from "../../core/sanitize.ts";
import type { FaceContext } from "../chat/chat_face.ts";
import type { ChatInput } from "../chat/chat_input.ts";
import type { FocusSwitch } from "./focus_switch.ts";
import type { InputShape } from "../input/input_layout.ts";
import type { Frame } from "./frame.ts";
import type { PaneSize } from "./message_pane.ts";
import type { Palette } from "./palette.ts";
import { compose, layOut, layOutInput } from "./screen_view.ts";
import type { StatusBar } from "./status_bar.ts";

export interface ChatViewOptions {
  readonly palette: Palette;
  /** The server's address, for people. */
  readonly address: string;
  readonly context: FaceContext;
  readonly focus: FocusSwitch;
  readonly input: ChatInput;
  readonly status: StatusBar;
}

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Draws the chat. The current conversation is shown up to its end when its newest message is drawn. */
export class ChatView {
  readonly #options: ChatViewOptions;
  /** Whether the messages stand alone, for copying. */
  #isBare = false;

  constructor(options: ChatViewOptions) {
    this.#options = options;
  }

  /** The size of the message pane on a screen. */
  pane(size: Size): PaneSize {
    return this.#layOut(size).pane;
  }

  /** The shape of the input line on a screen. */
  inputShape({ columns }: Size): InputShape {
    return { prompt: this.#below.prompt, columns };
  }

  /** Shows the messages without the list, indents and reports of the mouse, or with them again. */
  toggleBare(): void {
    this.#isBare = !this.#isBare;
  }

  draw(size: Size): Frame {
    const { palette, context: { state, person }, focus, status } = this.#options;
    const { list } = state;
    const layout = this.#layOut(size);
    const { current, pane, window, loaded, isLoading } = focus.now;
    pane.isBare = this.#isBare;
    const view = pane.view(layout.pane);
    // While another part of the log is on its way, the person passes over these.
    if (current !== undefined && view.atNewest && loaded && !state.isLoading) person.shown(current, window.head);
    const topic = current === undefined ? "" : list.get(current.conversation)?.topic ?? "";
    const title = current === undefined ? "" : state.title(current);
    const frame = compose({
      ...this.#below,
      list: this.#listRows(),
      title: topic === "" ? title : `${title} — ${sanitizeLine(topic)}`,
      messages: view.rows,
      status: status.text({
        isAway: state.away.isAway,
        typing: this.#peerStatus,
        below: view.atNewest || window.lastSeq === 0 ? "" : "↓ more below, Ctrl-End",
        loading: isLoading || state.isLoading,
      }),
    }, { size, layout, palette });
    return { ...frame, title: this.#windowTitle, mouse: state.preferences.mouse && !this.#isBare };
  }

  get #windowTitle(): string {
    const { address, context: { state: { list, me } } } = this.#options;
    const unread = list.all.reduce((sum, each) => sum + each.unread, 0);
    return sanitizeLine(`${unread > 0 ? `(${unread}) ` : ""}chatd ${me}@${address}`);
  }

  /** "ben is typing", "ben is away"; "" for neither. */
  get #peerStatus(): string {
    const { focus, context: { state } } = this.#options;
    const { current } = focus.now;
    if (current === undefined) return "";
    const isAway = state.presence.stateOf(current.address) === "away";
    return state.typing.describe(current.conversation) || (isAway ? `${state.label(current)} is away` : "");
  }

  #listRows() {
    const { focus, context: { state: { list, names, presence } } } = this.#options;
    return list.all.map(({ conversation, address, unread, mentions, invitedBy }) => ({
      label: names.title(conversation),
      unread,
      mentions,
      isFocused: conversation === focus.now.current?.conversation,
      presence: presence.stateOf(address),
      isInvitation: invitedBy !== undefined,
    }));
  }

  get #below() {
    const { input, context: { state } } = this.#options;
    const { prompt, ...shown } = input.view;
    const { current } = state;
    const usual = `[${current === undefined ? "no conversation" : state.label(current)}] `;
    return { ...shown, prompt: prompt ?? usual, pending: state.pending };
  }

  #layOut(size: Size) {
    const belowRows = layOutInput(this.#below, size, this.#options.palette).rows.length;
    return layOut(size, { belowRows, isBare: this.#isBare });
  }
}
