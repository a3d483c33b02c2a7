import { isRoomId } from "../../../core/rooms/room.ts";
import type { ChatFace } from "../chat_face.ts";
import type { ChatState } from "../chat_state.ts";
import type { ConversationRef } from "./conversation_ref.ts";
import type { ConversationSwitch } from "./conversation_switch.ts";
import type { LogTarget, ScrollPlace } from "./log_target.ts";

export interface JumpsOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly switch: ConversationSwitch;
  /** Parts of logs are loaded after this. */
  readonly ready: Promise<void>;
}

/** A part of a conversation that the person was at; without `at`, its newest messages. */
interface Visited {
  readonly place: ConversationRef;
  readonly at: ScrollPlace | undefined;
}

const maxVisited = 50;

/** Goes to parts of logs, and back. The conversation is chosen at once; the part follows. */
export class Jumps {
  readonly #options: JumpsOptions;
  /** Where the person was before each jump. */
  readonly #visited: Visited[] = [];

  constructor(options: JumpsOptions) {
    this.#options = options;
  }

  /** @throws {ChatError} why the part cannot be shown; its conversation is the current one all the same */
  async to(place: ConversationRef, target: LogTarget): Promise<void> {
    const { state, face } = this.#options;
    const from = state.current && { place: state.current, at: face.scrolledTo };
    const isElsewhere = from?.place.conversation !== state.roomNames.known(place).conversation;
    if (isElsewhere && from !== undefined) this.#push(from);
    await this.#goTo(place, target);
    if (!isElsewhere && from !== undefined) this.#push(from);
  }

  /** Goes back to the part before the last jump. @throws {ChatError} as {@link to} */
  async back(): Promise<void> {
    const { state, face } = this.#options;
    const visited = this.#visited.pop();
    if (visited === undefined) return;
    const { place, at } = visited;
    const { conversation } = state.roomNames.known(place);
    // The person has left the room.
    if (isRoomId(conversation) && state.list.get(conversation) === undefined) return await this.back();
    if (at !== undefined) return await this.#goTo(place, { bottom: at });
    if (conversation === state.current?.conversation) return face.toNewest();
    await this.#options.switch.turnTo(place);
  }

  /** Drops the way back: the log is another one. */
  forget(): void {
    this.#visited.splice(0);
  }

  async #goTo(place: ConversationRef, target: LogTarget): Promise<void> {
    const { state, ready } = this.#options;
    const isCurrent = () => state.roomNames.known(place).conversation === state.current?.conversation;
    if (!isCurrent()) this.#options.switch.open(state.roomNames.known(place));
    state.isLoading = true;
    await ready;
    if (isCurrent()) await this.#options.switch.turnTo(place, { target });
  }

  #push(visited: Visited): void {
    const last = this.#visited.at(-1);
    const isSame = last?.place.conversation === visited.place.conversation && last.at?.seq === visited.at?.seq &&
      last.at?.sub === visited.at?.sub && last.at?.hidden === visited.at?.hidden;
    if (!isSame) this.#visited.push(visited);
    if (this.#visited.length > maxVisited) this.#visited.shift();
  }
}
