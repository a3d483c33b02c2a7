import { ChatError } from "../../core/chat_error.ts";
import type { Message } from "../../core/messages/message.ts";
import type { ConversationRef } from "../chat/conversation_ref.ts";
import { Focus, type FocusOptions } from "./focus.ts";

/** Conversations to keep for a time without a connection, beside the current one. */
const maxKept = 8;

/** The conversation on the screen, and those that were on it lately. */
export class FocusSwitch {
  readonly #options: Omit<FocusOptions, "current" | "unreadAfter">;
  /** By conversation, the last one at the end. */
  readonly #kept = new Map<string, Focus>();
  #now: Focus;
  /** The conversation that is being loaded. */
  #next: Focus | undefined;

  constructor(options: Omit<FocusOptions, "current" | "unreadAfter">) {
    this.#options = options;
    this.#now = this.#create(undefined);
  }

  get now(): Focus {
    return this.#now;
  }

  arrived(message: Message): void {
    const { conversation } = message;
    for (const focus of [this.#now, this.#next, this.#kept.get(conversation)]) {
      if (focus?.current?.conversation === conversation) focus.arrived(message);
    }
  }

  /**
   * Loads a conversation; without a connection, takes it as it was on the screen last.
   * @returns the focus, for {@link show}
   * @throws {ChatError} why there is nothing to show
   */
  async load(current: ConversationRef, unreadAfter: number | undefined): Promise<Focus> {
    const next = this.#next = this.#create(current, unreadAfter);
    try {
      await next.loadNewest();
      return next;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const kept = error.code === "unavailable" ? this.#kept.get(current.conversation) : undefined;
      if (kept === undefined) throw error;
      kept.pane.toNewest();
      kept.pane.unreadAfter = next.pane.unreadAfter;
      return kept;
    }
  }

  /** Shows a conversation. Notes stay when it is the same as before, or there was none. */
  show(focus: Focus): void {
    const before = this.#now;
    if (before.current === undefined || before.current.conversation === focus.current?.conversation) {
      for (const { note } of before.window.items) if (note) focus.window.note(note);
    }
    this.#now = focus;
    this.#next = undefined;
    if (before.current && !before.window.hasNewer) this.#kept.set(before.current.conversation, before);
    if (focus.current) this.#kept.delete(focus.current.conversation);
    if (this.#kept.size > maxKept) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** Shows a conversation that is not loaded, or none. */
  open(current: ConversationRef | undefined): void {
    this.show(this.#create(current));
  }

  /** Drops a kept conversation, or all. */
  forget(conversation?: string): void {
    if (conversation === undefined) this.#kept.clear();
    else this.#kept.delete(conversation);
  }

  #create(current: ConversationRef | undefined, unreadAfter?: number): Focus {
    return new Focus({ ...this.#options, current, unreadAfter });
  }
}
