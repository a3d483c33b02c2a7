import type { Message } from "../../core/messages/message.ts";

/** Everything that the text of a message on the screen depends on beside the message. Texts are safe for a terminal. */
export interface MessageDetails {
  /** The receipt mark of a message; "" for none. */
  receiptOf(message: Message): string;
  /** The message that a reply answers, "ben: shall we?"; "" for none. */
  answeredBy(reply: Message): string;
  /** A line of the message that an entry pins, "shall we?"; "" for none. */
  pinnedBy(entry: Message): string;
  /** Whether marks such as `**` become styles. */
  readonly markdown: boolean;
}

/** Details of messages that nothing is known about. */
export const noDetails: MessageDetails = {
  receiptOf: () => "",
  answeredBy: () => "",
  pinnedBy: () => "",
  markdown: false,
};
