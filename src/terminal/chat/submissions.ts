import type { SendOptions } from "../../client/chat_client.ts";
import type { ChatFace } from "./chat_face.ts";
import type { ChatState } from "./chat_state.ts";
import type { ConversationRef } from "./conversation_ref.ts";
import type { UnsentMessage } from "./sending.ts";

export interface SubmissionsOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  /** The first line waits for this. */
  readonly ready: Promise<void>;
  /** Aborts when the chat ends. */
  readonly signal: AbortSignal;
  /** @throws {ChatError} */
  runCommand(line: string, place: ConversationRef | undefined): Promise<void>;
  /** Runs work, and warns of its {@link ChatError}. */
  attempt(work: () => Promise<void>): Promise<void>;
}

/** A line, and the conversation that it is for; undefined where none was open yet. */
interface Submitted {
  readonly line: string;
  place: ConversationRef | undefined;
}

/** Lines that the person submitted: one after the other, each is sent as a message or run as a command. */
export class Submissions {
  readonly #options: SubmissionsOptions;
  readonly #waiting = new Set<Submitted>();
  #work: Promise<void>;

  constructor(options: SubmissionsOptions) {
    this.#options = options;
    this.#work = options.ready;
  }

  add(line: string): void {
    const submitted: Submitted = { line, place: this.#options.state.current };
    this.#waiting.add(submitted);
    this.#work = this.#work.then(() => this.#take(submitted));
  }

  /** A command turned to a conversation, or to none: the lines after it are for that one. */
  turned(place: ConversationRef | undefined): void {
    for (const submitted of this.#waiting) submitted.place = place;
  }

  /** Resolves when every line was taken. */
  async ended(): Promise<void> {
    await this.#work;
  }

  /** Sends a message to a conversation; a refused one is put back as the line that the person typed. */
  send(place: ConversationRef, message: { text: string; typed: string }, options: SendOptions = {}): void {
    const { face, state: { names, sending, typing } } = this.#options;
    typing.sent();
    face.toNewest();
    sending.start({ place, label: names.label(place.conversation), ...message }, options);
  }

  /** The server will not take a message. */
  refused({ place, label, text, typed }: UnsentMessage, reason: string): void {
    this.#giveBack(`Not sent to ${label}: ${reason}`, { text, typed, place });
  }

  async #take(submitted: Submitted): Promise<void> {
    const { state, signal, runCommand, attempt } = this.#options;
    this.#waiting.delete(submitted);
    const { line, place = state.current } = submitted;
    if (line.startsWith("/") && !line.startsWith("//")) {
      if (!signal.aborted) await attempt(() => runCommand(line, place));
      return;
    }
    const text = line.replace(/^\/\//, "/");
    if (place !== undefined) this.send(place, { text, typed: line });
    else this.#giveBack("No recipient. Choose one with /to NAME.", { text, typed: line, place });
  }

  #giveBack(
    reason: string,
    { text, typed, place }: { text: string; typed: string; place: ConversationRef | undefined },
  ): void {
    const { face, signal } = this.#options;
    const isRestored = !signal.aborted && face.restoreDraft(typed, place);
    face.warn(reason);
    if (!isRestored) face.note(`It was: ${text}`);
  }
}
