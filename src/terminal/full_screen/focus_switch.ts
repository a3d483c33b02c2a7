import { ChatError } from "../../core/chat_error.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Current } from "../commands/command.ts";
import { Focus, type FocusOptions } from "./focus.ts";

/** How many conversations can be looked at again without a connection, beside the one that is seen. */
const maxKept = 8;

/** Which conversation is before the person's eyes, and which were lately. */
export class FocusSwitch {
  readonly #options: Omit<FocusOptions, "current" | "unreadAfter">;
  /** By conversation, the one seen last at the end. */
  readonly #kept = new Map<string, Focus>();
  #now: Focus;
  /** What comes before the eyes when it is loaded. */
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
   * Loads a conversation; when the server cannot be asked, it is as it was seen last.
   * @returns what to {@link show} then; undefined when another one was asked for meanwhile.
   * @throws {ChatError} why there is nothing to show
   */
  async load(current: Current, unreadAfter: number | undefined): Promise<Focus | undefined> {
    const next = this.#next = this.#create(current, unreadAfter);
    const found = await this.#load(next, current.conversation);
    if (this.#next !== next) return undefined;
    this.#next = undefined;
    if (found instanceof ChatError) throw found;
    return found;
  }

  show(focus: Focus): void {
    const before = this.#now;
    this.#now = focus;
    if (before.current && !before.window.hasNewer) this.#kept.set(before.current.conversation, before);
    if (focus.current) this.#kept.delete(focus.current.conversation);
    if (this.#kept.size > maxKept) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** Shows no conversation. */
  leave(): void {
    this.show(this.#create(undefined));
  }

  /** What was kept is not so any more. */
  forget(conversation?: string): void {
    if (conversation === undefined) this.#kept.clear();
    else this.#kept.delete(conversation);
  }

  async #load(next: Focus, conversation: string): Promise<Focus | ChatError> {
    try {
      await next.loadNewest();
      return next;
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      const kept = error.code === "unavailable" ? this.#kept.get(conversation) : undefined;
      if (kept === undefined) return error;
      kept.pane.toNewest();
      kept.pane.unreadAfter = next.pane.unreadAfter;
      return kept;
    }
  }

  #create(current: Current | undefined, unreadAfter?: number): Focus {
    return new Focus({ ...this.#options, current, unreadAfter });
  }
}
