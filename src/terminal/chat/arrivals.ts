import { isRoomId } from "../../core/rooms/room.ts";
import type { Message } from "../../core/messages/message.ts";
import type { Alerts } from "./person/alerts.ts";
import type { ChatFace } from "./chat_face.ts";
import type { ChatState } from "./chat_state.ts";

export interface ArrivalsOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly alerts: Alerts;
  /** Asks for the name of a room and its unread counts; resolves when they are known or cannot be had. */
  refresh(conversation: string): Promise<void>;
}

/** Messages on their way to the face: they wait until the chat has started, and for the name of their room. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  /** Messages that came before the chat had started; undefined since. */
  #early: Message[] | undefined = [];
  /** By room, the messages that wait for its name. */
  readonly #unnamed = new Map<string, Message[]>();
  /** Messages up to this position were missed. */
  missedThrough = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Resolves when the face has shown the message, or at once when it has to wait. */
  async take(message: Message): Promise<void> {
    if (this.#early) this.#early.push(message);
    else await this.#show(message);
  }

  /** The chat has started: shows the messages that came before. */
  async started(): Promise<void> {
    const early = this.#early ?? [];
    for (let message = early.shift(); message; message = early.shift()) await this.#show(message);
    this.#early = undefined;
  }

  /** The log is another one: drops messages of the former one that wait for the start. */
  forget(): void {
    this.missedThrough = 0;
    this.#early?.splice(0);
  }

  async #show(message: Message): Promise<void> {
    const { state } = this.#options;
    const { conversation } = message;
    state.learn(message);
    const waiting = this.#unnamed.get(conversation);
    if (waiting) waiting.push(message);
    else if (state.names.knows(conversation)) await this.#showNamed(message);
    // Not awaited: the answer comes after this message.
    else void this.#showWhenNamed(conversation, [message]);
  }

  async #showWhenNamed(conversation: string, waiting: Message[]): Promise<void> {
    this.#unnamed.set(conversation, waiting);
    await this.#options.refresh(conversation);
    for (let message = waiting.shift(); message; message = waiting.shift()) await this.#showNamed(message);
    this.#unnamed.delete(conversation);
  }

  async #showNamed(message: Message): Promise<void> {
    const { face, alerts, refresh, state: { list, names } } = this.#options;
    const { conversation, sender } = message;
    const { weight, isUncertain } = list.arrived(message);
    if (isUncertain) void refresh(conversation);
    const isWatched = face.isWatching(conversation);
    await face.showMessage(message, { missed: message.position <= this.missedThrough });
    if (isWatched || (weight !== "direct" && weight !== "mention")) return;
    const from = names.titleOf(sender);
    alerts.ring({
      title: isRoomId(conversation) ? `${from} in ${names.label(conversation)}` : from,
      text: message.text,
      isMention: weight === "mention",
    });
  }
}
