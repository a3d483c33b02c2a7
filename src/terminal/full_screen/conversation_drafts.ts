import type { ConversationRef } from "../chat/conversation_ref.ts";
import type { Preferences } from "../chat/preferences.ts";
import type { ScreenInput } from "./screen_input.ts";

export interface ConversationDraftsOptions {
  readonly input: ScreenInput;
  readonly preferences: Preferences;
  /** The conversation on the screen. */
  place(): ConversationRef | undefined;
}

/** The drafts of all conversations; that of the conversation on the screen is in the input line. */
export class ConversationDrafts {
  readonly #options: ConversationDraftsOptions;

  constructor(options: ConversationDraftsOptions) {
    this.#options = options;
  }

  /** Keeps the draft in the input line. */
  keep(): void {
    const { input, preferences, place } = this.#options;
    const { conversation } = place() ?? {};
    if (conversation !== undefined) preferences.setDraft(conversation, input.draft);
  }

  /** Shows the draft of the conversation on the screen, followed by text that was typed without a conversation. */
  show({ typed }: { typed: string }): void {
    const { input, preferences, place } = this.#options;
    const { conversation } = place() ?? {};
    input.setDraft(conversation === undefined ? "" : preferences.draft(conversation) + typed);
    this.keep();
  }

  /** Puts a text back that was not sent; false when that would replace another draft. */
  restore(text: string, place: ConversationRef | undefined): boolean {
    const { input } = this.#options;
    if (this.#options.place()?.conversation !== place?.conversation) return false;
    if (input.draft !== "") return input.draft === text;
    input.setDraft(text);
    this.keep();
    return true;
  }
}
