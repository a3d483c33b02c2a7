/** Maximum number of different emoji on one message. */
export const maxEmoji = 20;
/** Maximum number of pins that a user sees in a conversation, and of those that the conversation has. */
export const maxShownPins = 50;
export const maxPins = 200;
/** Maximum number of entries to examine when a read position moves. */
export const maxOwnRun = 1_000;
