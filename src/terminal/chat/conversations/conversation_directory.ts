import { type Conversation, Role } from "../../../gen/chatd/v1/chat.ts";
import type { ChatFace } from "../chat_face.ts";
import type { ChatState } from "../chat_state.ts";

export interface ConversationDirectoryOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
}

/** Takes over the server's summary of a conversation: its name, its place in the list, receipts, an invitation. */
export class ConversationDirectory {
  readonly #options: ConversationDirectoryOptions;

  constructor(options: ConversationDirectoryOptions) {
    this.#options = options;
  }

  learn(known: Conversation): void {
    const { state: { names, list, receipts }, face } = this.#options;
    if (known.room) names.addRoom(known.room);
    else names.addPerson(known.address, known.displayName);
    receipts.learn(known);
    const before = list.get(known.conversation)?.invitedBy;
    list.learn(known);
    if (known.role === Role.INVITED && known.invitedBy !== before) this.tellInvitation(known.conversation);
    face.update();
  }

  /** Tells of an invitation again, when the person asks for a room that they are only invited to. */
  tellInvitation(conversation: string): void {
    const { state: { names, list }, face } = this.#options;
    const { invitedBy } = list.get(conversation) ?? {};
    if (invitedBy === undefined) return;
    const room = names.label(conversation);
    face.note(`${invitedBy} invited you to ${room}. To accept: /join ${room}. To decline: /leave ${room}`);
  }

  /** The person may not see the conversation any more. */
  remove(conversation: string): void {
    const { state, face } = this.#options;
    state.list.remove(conversation);
    face.forget(conversation);
    face.update();
  }
}
