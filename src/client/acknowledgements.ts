import type { Ack, Item, ServerFrame } from "../gen/chatd/v1/session.ts";
import type { Message } from "../gen/chatd/v1/chat.ts";

/** What a message takes beside its text, roughly: numbers, ids and names. */
const messageOverhead = 128;

/** What a reaction takes, roughly. */
const reactionBytes = 32;

function messagesBytes(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + messageBytes(message), 0);
}

function messageBytes({ text, attachment, reactions }: Message): number {
  const file = attachment === undefined ? 0 : attachment.name.length + attachment.mediaType.length;
  return messageOverhead + text.length + file + reactions.length * reactionBytes;
}

/** Roughly what an item took of the server's window: text is counted in UTF-16 units, which is at least a third of it. */
function itemBytes(item: Item): number {
  if (item.kind?.$case === "message") return messageBytes(item.kind.value);
  if (item.kind?.$case !== "reply") return 128;
  const result = item.kind.value.result;
  if (result?.$case === "history" || result?.$case === "sent") return messagesBytes(result.value.messages);
  if (result?.$case === "listUsers") return result.value.users.length * 40;
  if (result?.$case === "listConversations") return result.value.conversations.length * 256;
  return 128;
}

/** What one session has taken and not yet acknowledged. */
export class Acknowledgements {
  #unacknowledgedBytes = 0;
  #receipt = 0;
  #sentReceipt = 0;
  #hasDeliveries = false;
  #dueBytes = 64 * 1024;

  /** The server's window, in bytes: a quarter of it is acknowledged without waiting. */
  set windowBytes(bytes: number) {
    if (bytes > 0) this.#dueBytes = bytes / 4;
  }

  /** The frame and all before it are safe with the consumer. */
  took(frame: ServerFrame): void {
    if (frame.receipt === 0) return;
    this.#receipt = frame.receipt;
    this.#hasDeliveries ||= frame.through > 0;
    for (const item of frame.items) this.#unacknowledgedBytes += itemBytes(item);
  }

  /** Deliveries are waiting to be acknowledged: this should not take long. */
  get hasDeliveries(): boolean {
    return this.#hasDeliveries;
  }

  /** So much is waiting that an acknowledgement is worth a frame of its own. */
  get isDue(): boolean {
    return this.#unacknowledgedBytes >= this.#dueBytes;
  }

  /** The acknowledgement to send now; undefined when it would say nothing new. */
  take(): Ack | undefined {
    if (this.#receipt === this.#sentReceipt) return undefined;
    this.#unacknowledgedBytes = 0;
    this.#hasDeliveries = false;
    this.#sentReceipt = this.#receipt;
    return { receipt: this.#receipt };
  }
}
