/** A conversation, and the address that requests of this user name it by. */
export interface ConversationRef {
  /** "ana:ben", or the id of a room. */
  readonly conversation: string;
  /** "ben", or the id of a room. */
  readonly address: string;
}
