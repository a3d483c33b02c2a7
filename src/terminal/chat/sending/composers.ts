import { isRoomId } from "../../../core/rooms/room.ts";
import { complete } from "../../commands/completion.ts";
import { Composer, type ComposerAction, type ComposerKey } from "../../input/composer.ts";
import type { InputShape } from "../../input/input_layout.ts";
import type { ChatState } from "../chat_state.ts";
import type { ConversationRef } from "../conversations/conversation_ref.ts";
import { isCommandLine } from "../command_line.ts";

/** Stands for no conversation. */
const nowhere = "";

/** The composers of all conversations. Nothing that the person writes to one of them belongs to another. */
export class Composers {
  readonly #state: ChatState;
  readonly #composers = new Map<string, Composer>();

  constructor(state: ChatState) {
    this.#state = state;
  }

  /** The composer of the current conversation. */
  get now(): Composer {
    return this.of(this.#state.current);
  }

  /** The text that was written without a conversation. */
  get unplaced(): string {
    return this.#composers.get(nowhere)?.unsent ?? "";
  }

  /** @param place undefined for the composer of no conversation */
  of(place: ConversationRef | undefined): Composer {
    const key = keyOf(place);
    let composer = this.#composers.get(key);
    if (composer === undefined) {
      composer = this.#create(key);
      this.#composers.set(key, composer);
    }
    return composer;
  }

  /** Applies a key to the composer of the current conversation, whose input line has a shape on the terminal. */
  apply(key: ComposerKey, shape: () => InputShape): ComposerAction | undefined {
    const { current } = this.#state;
    const action = this.of(current).apply(key, shape);
    // Before the action, which may turn to another conversation.
    this.#save(keyOf(current));
    return action;
  }

  /** A conversation became the current one: gives it the text that was written without one, or to its name alone. */
  opened(place: ConversationRef): void {
    const { names, rooms, preferences } = this.#state;
    const { conversation } = place;
    // Drafts of an earlier run, which ended before the server told which room they were for.
    for (const name of new Set([names.label(conversation), `#${names.room(conversation)?.name}`])) {
      const isNamed = isRoomId(conversation) && rooms.known(name) === conversation;
      if (isNamed && !this.#composers.has(name) && preferences.draft(name) !== "") this.#move(name, keyOf(place));
    }
    if (!this.of(undefined).isBlank) this.#move(nowhere, keyOf(place));
  }

  /** The server told which room `name` is. */
  resolved(name: ConversationRef, room: ConversationRef): void {
    this.#move(keyOf(name), keyOf(room));
  }

  /** Puts a text back that was not sent. @returns its place in the composer of its conversation */
  giveBack(text: string, place: ConversationRef | undefined): "draft" | "recall" {
    const result = this.of(place).giveBack(text);
    this.#save(keyOf(place));
    return result;
  }

  /** Keeps a text that was not sent for the next run, in which it is in the draft of its conversation. */
  putAside(text: string, place: ConversationRef | undefined): void {
    this.of(place).putAside(text);
    this.#save(keyOf(place));
  }

  #move(from: string, to: string): void {
    const moved = this.#composers.get(from) ?? this.#create(from);
    moved.absorb(this.#composers.get(to) ?? this.#create(to));
    this.#composers.delete(from);
    this.#composers.set(to, moved);
    this.#save(from);
    this.#save(to);
  }

  #create(key: string): Composer {
    const { rooms, ownMessages, preferences, list } = this.#state;
    const draft = preferences.draft(key);
    // Asked by the composer itself, since it may move to another conversation.
    const place = () => [...this.#composers].find(([, each]) => each === composer)?.[0] ?? nowhere;
    const composer: Composer = new Composer({
      complete: (before) =>
        complete(before, { names: rooms.completions, audiences: list.mayMentionAll(place()) ? ["room", "here"] : [] }),
      offer: (last) => {
        if (last !== undefined && isCommandLine(last)) return undefined;
        const newest = ownMessages.newest(place());
        return newest && `/edit ${newest.seq} ${newest.text}`;
      },
    }, draft);
    return composer;
  }

  #save(key: string): void {
    this.#state.preferences.setDraft(key, this.#composers.get(key)?.unsent ?? "");
  }
}

function keyOf(place: ConversationRef | undefined): string {
  return place?.conversation ?? nowhere;
}
