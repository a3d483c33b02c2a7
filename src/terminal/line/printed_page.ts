import type { Message } from "../../core/messages/message.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import type { ChatState } from "../chat/chat_state.ts";
import type { ConversationRef } from "../chat/conversations/conversation_ref.ts";
import { loadPart, type LogPart } from "../chat/conversations/log_part.ts";
import type { LogTarget } from "../chat/conversations/log_target.ts";

/** How many messages of a conversation are printed when the person turns to it. */
const recent = 20;
/** How many messages are printed before the one that the person goes to. */
const before = 5;

/** The newest messages of a conversation, as the server has them. */
export interface RecentPage {
  readonly place: ConversationRef;
  readonly messages: readonly Message[];
  /** Whether there are earlier messages. */
  readonly more: boolean;
}

/** @throws {ChatError} */
export async function loadRecent(state: ChatState, place: ConversationRef): Promise<RecentPage> {
  const { messages, more } = await state.client.history({ with: place.address, limit: recent, events: true });
  const known = messages.flatMap((message) => fromWireMessage(message) ?? []);
  await learn(state, known);
  return { place, messages: known, more };
}

/** Loads a part of a log to print. @throws {ChatError} */
export async function loadAround(
  state: ChatState,
  { place, target }: { place: ConversationRef; target: LogTarget },
): Promise<LogPart> {
  const phrase = state.names.phrase(place.conversation);
  const part = await loadPart(target, { client: state.client, address: place.address, phrase, limit: recent, before });
  await learn(state, part.messages);
  return part;
}

/** Learns messages, and loads those that they answer or pin, since printed lines do not change later. */
async function learn(state: ChatState, messages: readonly Message[]): Promise<void> {
  for (const message of messages) state.learn(message);
  await Promise.all(messages.map((message) => state.replyTargets.load(message)));
}

/** The part of the current conversation that was printed as a page, and is not printed again when it is delivered. */
export class PrintedPage {
  #conversation: string | undefined;
  #firstSeq = 0;
  #lastSeq = 0;

  /** These messages of a conversation were printed. */
  printed({ conversation }: ConversationRef, messages: readonly Message[]): void {
    this.#conversation = conversation;
    this.#firstSeq = messages.at(0)?.seq ?? 0;
    this.#lastSeq = messages.at(-1)?.seq ?? 0;
  }

  clear(): void {
    this.#conversation = undefined;
  }

  /** Whether it is the newest page of this conversation. */
  isOf({ conversation }: ConversationRef): boolean {
    return conversation === this.#conversation;
  }

  has({ conversation, seq }: Message): boolean {
    return conversation === this.#conversation && seq >= this.#firstSeq && seq <= this.#lastSeq;
  }
}
