import { conversationAddress, directConversation } from "../../core/messages/message.ts";
import type { ChatFace, LoadOptions } from "./chat_face.ts";
import type { ChatState } from "./chat_state.ts";
import type { ConversationDirectory } from "./conversation_directory.ts";
import type { ConversationRef } from "./conversation_ref.ts";

export interface ConversationSwitchOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly directory: ConversationDirectory;
}

/** Chooses the current conversation, the one that the person writes to. */
export class ConversationSwitch {
  readonly #options: ConversationSwitchOptions;
  #turns = 0;

  constructor(options: ConversationSwitchOptions) {
    this.#options = options;
  }

  /** Makes the conversation with an address that the person typed the current one. @throws {ChatError} */
  async turnToAddress(typed: string, options: LoadOptions = {}): Promise<ConversationRef> {
    const place = await this.#resolve(this.#options.state.names.address(typed));
    await this.turnTo(place, options);
    return place;
  }

  /**
   * Makes a conversation the current one, once it is loaded, unless the person turns to another one meanwhile.
   * @throws {ChatError} why it cannot be shown; the current conversation stays
   */
  async turnTo(place: ConversationRef, options: LoadOptions = {}): Promise<void> {
    const { face, state } = this.#options;
    const turn = ++this.#turns;
    let show: () => void;
    try {
      show = await face.load(place, options);
    } catch (error) {
      if (turn === this.#turns) throw error;
      return;
    }
    if (turn !== this.#turns) return;
    state.current = place;
    show();
    state.list.open(place.conversation);
    face.update();
  }

  /** Makes the conversation with a user the current one before it can be loaded, unless there is a current one. */
  openUser(user: string): void {
    const { state, face } = this.#options;
    if (state.current !== undefined) return;
    state.current = this.#withUser(user);
    face.open(state.current);
    face.update();
  }

  /** Makes a conversation of the list the current one; of an invitation, tells how to answer it. @throws {ChatError} */
  async choose(conversation: string): Promise<void> {
    const { state, directory } = this.#options;
    const chosen = state.list.get(conversation);
    if (chosen === undefined || conversation === state.current?.conversation) return;
    if (chosen.invitedBy !== undefined) return directory.tellInvitation(conversation);
    await this.turnTo({ conversation, address: chosen.address });
  }

  /** Leaves no conversation the current one. */
  leave(): void {
    const { state, face } = this.#options;
    this.#turns++;
    state.current = undefined;
    face.leaveConversation();
    face.update();
  }

  async #resolve(address: string): Promise<ConversationRef> {
    if (!isRoomAddress(address)) return this.#withUser(address);
    const { state: { client, me }, directory } = this.#options;
    const found = await client.conversation(address);
    directory.learn(found);
    return { conversation: found.conversation, address: conversationAddress(found.conversation, me) };
  }

  #withUser(user: string): ConversationRef {
    return { conversation: directConversation(this.#options.state.me, user), address: user };
  }
}

/** "#ops" or "+id". A room has to be asked for; a user's name is enough to write to them. */
export function isRoomAddress(address: string): boolean {
  return /^[#+]/.test(address);
}
