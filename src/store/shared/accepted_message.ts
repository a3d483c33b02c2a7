import type { Attachment, Message } from "../../core/messages/message.ts";
import type { Append } from "../../core/messages/message_store.ts";

/** Returns the entry that an append became. */
export function toAcceptedMessage(
  { conversation, acceptedAt, id, sender, text, event, replyTo, automatic, audience }: Append,
  { position, seq, ordinal, attachment }: {
    position: number;
    seq: number;
    ordinal: number;
    attachment: Attachment | undefined;
  },
): Message {
  const message = { position, conversation, seq, acceptedAt, id, sender, text, ordinal };
  if (event !== undefined) return { ...message, event, ...(audience && { audience }) };
  if (replyTo === undefined && attachment === undefined && !automatic && !audience) return message;
  return {
    ...message,
    ...(replyTo !== undefined && { replyTo }),
    ...(attachment !== undefined && { attachment }),
    ...(automatic && { automatic }),
    ...(audience && { audience }),
  };
}
