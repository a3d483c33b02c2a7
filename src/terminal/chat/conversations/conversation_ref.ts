/** A conversation, and the address that requests of this user name it by. */
export interface ConversationRef {
  /** "ana:ben", the id of a room, or "#ops" while the server has not told which room that is. */
  readonly conversation: string;
  /** "ben", the id of a room, or "#ops" as above. */
  readonly address: string;
}
