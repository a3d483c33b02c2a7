import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { directConversation } from "../../../src/core/messages/message.ts";
import { PlainBatch, type PlainRequest, type PlainRoute } from "../../../src/core/messages/plain_batch.ts";

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

/** The bytes of a message's id and text in a frame that has other bytes around them. */
export type InFrame = Pick<PlainRequest<PlainRoute, unknown>, "frame" | "idAt" | "textAt" | "textEnd">;

/** Puts the id and the text of a message into a frame. */
export function inFrame(id: string, text: string): InFrame {
  const frame = encoder.encode(`frame ${id} ${text}.`);
  return { frame, idAt: 6, textAt: 43, textEnd: frame.length - 1 };
}

/** Makes a batch as a session does, from messages in the frames of their senders. */
export function plainBatch(messages: readonly PlainMessage[]): PlainBatch {
  const batch = new PlainBatch();
  messages.forEach(({ sender, conversation, id, text, acceptedAt }, index) => {
    const route: PlainRoute = { sender, conversation };
    batch.add({ route, session: undefined, requestId: index + 1, ...inFrame(id, text) }, acceptedAt);
  });
  return batch;
}
