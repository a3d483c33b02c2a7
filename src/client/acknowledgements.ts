import type { Ack, Item } from "../gen/chatd/v1/session.ts";
import type { Message } from "../gen/chatd/v1/chat.ts";

/** What a message takes beside its text, roughly: numbers, ids and names. */
const messageOverhead = 128;

function messagesBytes(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + message.text.length + messageOverhead, 0);
}

/** Roughly what an item took of the server's window: text is counted in UTF-16 units, which is at least a third of it. */
function itemBytes(item: Item): number {
  if (item.kind?.$case === "message") return messagesBytes([item.kind.value]);
  if (item.kind?.$case !== "reply") return 32;
  const result = item.kind.value.result;
  if (result?.$case === "history" || result?.$case === "sent") return messagesBytes(result.value.messages);
  if (result?.$case === "listUsers") return result.value.users.length * 40;
  if (result?.$case === "listConversations") return result.value.conversations.length * 256;
  return 64;
}

/** What one session has read and not yet acknowledged. */
export class Acknowledgements {
  #unacknowledgedBytes = 0;
  #position = 0;
  #sentPosition = 0;
  #sentReply = 0;
  #dueBytes = 64 * 1024;

  /** The server's window, in bytes: a quarter of it is acknowledged without waiting. */
  set windowBytes(bytes: number) {
    if (bytes > 0) this.#dueBytes = bytes / 4;
  }

  read(item: Item): void {
    this.#unacknowledgedBytes += itemBytes(item);
  }

  /** Everything up to `position` is safe with the consumer. */
  taken(position: number): void {
    this.#position = Math.max(this.#position, position);
  }

  /** Deliveries are waiting to be acknowledged: this should not take long. */
  get hasPosition(): boolean {
    return this.#position > this.#sentPosition;
  }

  /** So much is waiting that an acknowledgement is worth a frame of its own. */
  get isDue(): boolean {
    return this.#unacknowledgedBytes >= this.#dueBytes;
  }

  /** The acknowledgement to send now; undefined when it would say nothing new. */
  take(repliedUpTo: number): Ack | undefined {
    if (!this.hasPosition && repliedUpTo <= this.#sentReply) return undefined;
    this.#unacknowledgedBytes = 0;
    this.#sentPosition = this.#position;
    this.#sentReply = repliedUpTo;
    return { position: this.#position, reply: repliedUpTo };
  }
}
