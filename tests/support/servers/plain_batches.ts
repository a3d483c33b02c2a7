import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { directConversation } from "../../../src/core/messages/message.ts";
import { PlainBatch, type PlainRoute } from "../../../src/core/messages/plain_batch.ts";

const encoder = new TextEncoder();

/** A plain message of a batch. */
export interface PlainMessage {
  readonly sender: string;
  readonly conversation: string;
  readonly id: string;
  readonly text: string;
  readonly acceptedAt: number;
}

/** A plain message from `sender` to the user `to`. */
export function plainMessage(sender: string, to: string, rest: Partial<PlainMessage> = {}): PlainMessage {
  const conversation = directConversation(sender, to);
  return { sender, conversation, id: createMessageId(), text: "hello", acceptedAt: 1_700_000_000_000, ...rest };
}

/** Makes a batch as a session does, from messages in the frames of their senders. */
export function plainBatch(messages: readonly PlainMessage[]): PlainBatch {
  const batch = new PlainBatch();
  messages.forEach(({ sender, conversation, id, text, acceptedAt }, index) => {
    const route: PlainRoute = { sender, conversation };
    const frame = encoder.encode(`frame ${id} ${text}.`);
    const at = { frame, idAt: 6, textAt: 43, textEnd: frame.length - 1 };
    batch.add({ route, sender: undefined, requestId: index + 1, ...at }, acceptedAt);
  });
  return batch;
}
