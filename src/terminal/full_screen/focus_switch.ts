import type { Message } from "../../core/messages/message.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { Focus, type FocusOptions } from "./focus.ts";

/** Conversations to keep for a time without a connection, beside the current one. */
const maxKept = 8;

/** The conversation on the screen, and those that were on it lately. */
export class FocusSwitch {
  readonly #options: Omit<FocusOptions, "current" | "unreadAfter">;
  /** By conversation, the last one at the end. */
  readonly #kept = new Map<string, Focus>();
  #now: Focus;
  /** The log of the conversation on the screen is another one, or the person may not see it any more. */
  #isForgotten = false;

  constructor(options: Omit<FocusOptions, "current" | "unreadAfter">) {
    this.#options = options;
    this.#now = this.#create(undefined);
  }

  get now(): Focus {
    return this.#now;
  }

  arrived(message: Message): void {
    const { conversation } = message;
    for (const focus of [this.#now, this.#kept.get(conversation)]) {
      if (focus?.current?.conversation === conversation) focus.arrived(message);
    }
  }

  /**
   * Shows a conversation as it was on the screen last, or none.
   * @param unreadAfter its unread messages begin after this entry
   */
  open(current: ConversationRef | undefined, unreadAfter?: number): void {
    const before = this.#now;
    const isSame = before.current?.conversation === current?.conversation;
    if (isSame && !this.#isForgotten) return before.reopen(unreadAfter);
    const kept = current && this.#kept.get(current.conversation);
    this.#show(kept ?? this.#create(current), { keepsNotes: isSame || before.current === undefined });
    this.#now.reopen(unreadAfter);
  }

  /** Shows the conversation in the place of one that had no messages, and keeps its notes. */
  replace(current: ConversationRef, unreadAfter?: number): void {
    this.#show(this.#kept.get(current.conversation) ?? this.#create(current), { keepsNotes: true });
    this.#now.reopen(unreadAfter);
  }

  /** The focus of a conversation that was on the screen lately. */
  of({ conversation }: ConversationRef): Focus | undefined {
    return this.#now.current?.conversation === conversation ? this.#now : this.#kept.get(conversation);
  }

  /** Drops the messages of a conversation, or of all; the one on the screen stays until it is opened again. */
  forget(conversation?: string): void {
    if (conversation === undefined) this.#kept.clear();
    else this.#kept.delete(conversation);
    if (conversation !== undefined && conversation !== this.#now.current?.conversation) return;
    this.#isForgotten = true;
    this.#now.forget();
  }

  #show(focus: Focus, { keepsNotes }: { keepsNotes: boolean }): void {
    const before = this.#now;
    const notes = keepsNotes ? before.window.items : [];
    for (const { note } of notes) if (note) focus.window.note(note);
    if (before.current && before.loaded && !before.window.hasNewer && !this.#isForgotten) {
      this.#kept.set(before.current.conversation, before);
    }
    if (focus.current) this.#kept.delete(focus.current.conversation);
    if (this.#kept.size > maxKept) this.#kept.delete(this.#kept.keys().next().value!);
    this.#now = focus;
    this.#isForgotten = false;
  }

  #create(current: ConversationRef | undefined, unreadAfter?: number): Focus {
    return new Focus({ ...this.#options, current, unreadAfter });
  }
}
