import type { SendOptions } from "../../../client/chat_client.ts";
import { UnknownOutcome } from "../../../client/unknown_outcome.ts";
import { ChatError } from "../../../core/chat_error.ts";
import type { Jump } from "../../commands/command.ts";
import { type Destination, destinationOf } from "../../commands/command_table.ts";
import type { ChatFace } from "../chat_face.ts";
import type { ChatState } from "../chat_state.ts";
import { isCommandLine } from "../command_line.ts";
import type { ConversationRef } from "../conversations/conversation_ref.ts";
import { isRoomName } from "../conversations/room_names.ts";
import type { Composers } from "./composers.ts";
import type { UnsentMessage } from "./sending.ts";

export interface SubmissionsOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly composers: Pick<Composers, "putAside">;
  /** The first line waits for this. */
  readonly ready: Promise<void>;
  /** Aborts when the chat ends. */
  readonly signal: AbortSignal;
  /** Goes to the conversation that a command names, or to a part of one; undefined without a conversation. */
  enter(destination: Destination | Jump): ConversationRef | undefined;
  /** @throws {ChatError} */
  runCommand(line: string, place: ConversationRef | undefined): Promise<void>;
  /** Runs work, and warns of its {@link ChatError}. */
  attempt(work: () => Promise<void>): Promise<void>;
}

/** A line, and the conversation that it was entered in, or that its command goes to; undefined for none. */
interface Submitted {
  readonly line: string;
  readonly place: ConversationRef | undefined;
  readonly destination: Destination | Jump | undefined;
}

/** A text that goes back to the person. */
interface Returned {
  /** Undefined for no conversation. */
  readonly place: ConversationRef | undefined;
  readonly text: string;
  /** The line that the person typed. */
  readonly typed: string;
}

/** Behind a text that is not in the draft, since there is another one. */
const recallHint = " (↑ brings it back)";

/** Lines that the person submitted: one after the other, each is sent as a message or run as a command. */
export class Submissions {
  readonly #options: SubmissionsOptions;
  #work: Promise<void>;

  constructor(options: SubmissionsOptions) {
    this.#options = options;
    this.#work = options.ready;
  }

  add(line: string): void {
    const { state: { current }, enter } = this.#options;
    const destination = isCommandLine(line) ? destinationOf(line) : undefined;
    const place = destination === undefined ? current : enter(destination);
    if (!isCommandLine(line) && place === undefined) {
      // At once, while the person sees that there is no recipient.
      return this.#giveBack("No recipient. Choose one with /to NAME.", { place, text: textOf(line), typed: line });
    }
    this.#work = this.#work.then(() => this.#take({ line, place, destination }));
  }

  /** Resolves when every line was taken. */
  async ended(): Promise<void> {
    await this.#work;
  }

  /** Sends a message to a conversation; a refused one is put back as the line that the person typed. */
  send(place: ConversationRef, message: { text: string; typed: string }, options: SendOptions = {}): void {
    const { face, state } = this.#options;
    state.typing.sent();
    if (state.current?.conversation === place.conversation) face.toNewest();
    state.sending.start({ place, label: state.names.label(place.conversation), ...message }, options);
  }

  /** The server will not take a message, or did not answer before the end of the chat. */
  refused({ place, label, text, typed }: UnsentMessage, error: unknown): void {
    const reason = error instanceof ChatError ? error.message : String(error);
    const outcome = error instanceof UnknownOutcome ? "Perhaps not sent" : "Not sent";
    this.#giveBack(`${outcome} to ${label}: ${reason}`, { text, typed, place });
  }

  /** Puts a line back into the draft of its conversation, for the person to complete or to correct. */
  fillIn(line: string, place: ConversationRef): void {
    const { face, state } = this.#options;
    const home = state.roomNames.known(place);
    const returned = face.giveBack(line, home);
    const isElsewhere = home.conversation !== state.current?.conversation;
    if (returned === "draft" && isElsewhere) face.note(`The draft for ${state.label(home)} is now: ${line}`);
    else if (returned !== "draft") face.note(line + (returned === "recall" ? recallHint : ""));
  }

  async #take({ line, place, destination }: Submitted): Promise<void> {
    const { state: { client, roomNames, sending }, signal, attempt } = this.#options;
    // Texts come back in their order.
    if (client.state.kind === "ended") await sending.ended();
    if (!isCommandLine(line)) return this.send(place!, { text: textOf(line), typed: line });
    const isWaiting = place !== undefined && isRoomName(place) && destination === undefined;
    // Refused, it stays the name of a room, which no command of a conversation takes.
    if (isWaiting && !signal.aborted) await roomNames.resolve(place).catch(() => {});
    if (signal.aborted) await this.#keep({ line, place, destination });
    else await attempt(() => this.#run({ line, place, destination }));
    const isOpened = destination?.kind === "conversation" && destination.opened !== undefined;
    if (place !== undefined && isOpened) roomNames.refuse(place);
  }

  /** @throws {ChatError} */
  async #run(submitted: Submitted): Promise<void> {
    const { state: { roomNames }, signal, runCommand } = this.#options;
    const { line, place } = submitted;
    try {
      await runCommand(line, place && roomNames.known(place));
    } catch (error) {
      if (signal.aborted) await this.#keep(submitted);
      throw error;
    }
  }

  /** Gives a command back that the end of the chat cut off, if the person wrote more than its name and destination. */
  async #keep({ line, place, destination }: Submitted): Promise<void> {
    const hasText = (destination === undefined ? /^\S+\s+\S/ : /^\S+\s+\S+\s+\S/).test(line);
    // Texts come back in their order.
    await this.#options.state.sending.ended();
    if (hasText) this.#giveBack("The chat ended before the server answered.", { place, text: line, typed: line });
  }

  #giveBack(reason: string, { text, typed, place }: Returned): void {
    const { composers, face, signal, state } = this.#options;
    const home = place && state.roomNames.known(place);
    if (signal.aborted) {
      composers.putAside(typed, home);
      const where = home === undefined ? "" : ` The text is in the draft for ${state.label(home)}.`;
      face.warn(reason + where);
      return face.note(`It was: ${text}`);
    }
    const returned = face.giveBack(typed, home);
    const isElsewhere = home?.conversation !== state.current?.conversation;
    const where = returned === "draft" && isElsewhere ? ` The text is in the draft for ${state.label(home!)}.` : "";
    face.warn(reason + where);
    if (returned !== "draft") face.note(`It was: ${text}${returned === "recall" ? recallHint : ""}`);
  }
}

/** The text of a message that was typed as a line. */
function textOf(line: string): string {
  return line.replace(/^\/\//, "/");
}
