import { ChatError } from "../../../core/chat_error.ts";
import { directConversation } from "../../../core/messages/message.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import type { ChatFace, LoadOptions } from "../chat_face.ts";
import type { ChatState } from "../chat_state.ts";
import type { ConversationDirectory } from "./conversation_directory.ts";
import type { ConversationRef } from "./conversation_ref.ts";

export interface ConversationSwitchOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly directory: ConversationDirectory;
}

/**
 * Chooses the current conversation, the one that the person writes to. A choice counts from the key on that makes it;
 * the page of the conversation follows. Only the person changes a choice: a conversation that cannot be loaded stays.
 */
export class ConversationSwitch {
  readonly #options: ConversationSwitchOptions;
  #turns = 0;
  #isLoaded = false;

  constructor(options: ConversationSwitchOptions) {
    this.#options = options;
  }

  /** Whether the page of the current conversation was shown. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** The conversation with an address that the person typed. A room with an unknown name is resolved later. */
  placeOf(typed: string): ConversationRef {
    const { state: { rooms, me, roomNames } } = this.#options;
    if (!isRoomAddress(typed)) return { conversation: directConversation(me, typed), address: typed };
    const room = rooms.known(typed);
    return room === undefined ? roomNames.place(typed) : { conversation: room, address: room };
  }

  /** The place of a room that the person joins by an address. */
  placeToJoin(typed: string): ConversationRef {
    const { state: { rooms, roomNames } } = this.#options;
    const room = rooms.toJoin(typed);
    return room === undefined ? roomNames.place(typed) : { conversation: room, address: room };
  }

  /** Makes a conversation the current one at once, without its page. */
  open(place: ConversationRef): void {
    const { face, state } = this.#options;
    this.#turns++;
    if (state.current?.conversation !== place.conversation) state.previous = state.current;
    state.current = place;
    state.isLoading = false;
    this.#isLoaded = false;
    face.open(place);
    face.update();
  }

  /**
   * Makes a conversation the current one at once, and loads its page. A page that comes after another choice is dropped.
   * With a target, the current conversation stays as it is on the screen until that part is loaded.
   * @throws {ChatError} why it cannot be loaded; the conversation stays the current one
   */
  async turnTo(place: ConversationRef, options: LoadOptions = {}): Promise<void> {
    const { face, state } = this.#options;
    const known = state.roomNames.known(place);
    const stays = options.target !== undefined && known.conversation === state.current?.conversation;
    if (stays) this.#turns++;
    else this.open(known);
    const turn = this.#turns;
    state.isLoading = true;
    face.update();
    try {
      const show = await this.#load(place, options);
      if (turn !== this.#turns) return;
      this.#isLoaded = true;
      state.isLoading = false;
      show();
      state.list.open(state.current!.conversation);
    } catch (error) {
      if (turn !== this.#turns) return;
      // Its newest messages are shown in the place of a part that does not exist.
      if (isNotFound(error) && options.target !== undefined && !this.#isLoaded) await this.turnTo(place);
      throw error;
    } finally {
      if (turn === this.#turns) state.isLoading = false;
      face.update();
    }
  }

  /** The server told which room a name means. */
  resolved(name: ConversationRef, room: ConversationRef): void {
    const { face, state } = this.#options;
    if (state.previous === name) state.previous = room;
    const isCurrent = state.current === name;
    if (isCurrent) state.current = room;
    face.resolved(name, room, { isCurrent });
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

  /** Makes the conversation before the current one the current one again. @throws {ChatError} */
  async goBack(): Promise<void> {
    const { previous } = this.#options.state;
    if (previous !== undefined) await this.turnTo(previous);
  }

  /** Leaves no conversation the current one. */
  leave(): void {
    const { state, face } = this.#options;
    this.#turns++;
    state.current = undefined;
    state.isLoading = false;
    face.leaveConversation();
    face.update();
  }

  async #load(place: ConversationRef, options: LoadOptions): Promise<() => void> {
    const { face, state } = this.#options;
    const resolved = await state.roomNames.resolve(place);
    // A room that was just created or joined is listed before the server has told of the person's role.
    const isKnown = !isRoomId(resolved.conversation) ||
      state.list.get(resolved.conversation)?.mentionRoles !== undefined;
    const [show] = await Promise.all([face.load(resolved, options), isKnown || this.#learn(resolved)]);
    return show;
  }

  /** Asks for the name of a room, and the person's state in it. */
  async #learn({ address }: ConversationRef): Promise<void> {
    const { state, directory } = this.#options;
    try {
      directory.learn(await state.client.conversation(address));
    } catch (error) {
      // The page fails likewise, and tells why.
      if (!(error instanceof ChatError)) throw error;
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ChatError && error.code === "not_found";
}

/** "#ops" or "+id". */
function isRoomAddress(address: string): boolean {
  return /^[#+]/.test(address);
}
