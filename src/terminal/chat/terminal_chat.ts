import type { ChatClient, ClientEvent } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { systemTimers, type Timers, wait } from "../../client/timers.ts";
import type { CommandContext } from "../commands/command.ts";
import { runCommand } from "../commands/command_table.ts";
import type { Multiplexer } from "../text/multiplexer.ts";
import { Alerts } from "./person/alerts.ts";
import type { ChatFace, FaceContext, PersonActions } from "./chat_face.ts";
import { ChatLife } from "./chat_life.ts";
import { ChatState } from "./chat_state.ts";
import { createCommandContext } from "./command_context.ts";
import { Composers } from "./sending/composers.ts";
import type { PreferenceStore } from "./person/preferences.ts";
import { isRoomName } from "./conversations/room_names.ts";
import { Submissions } from "./sending/submissions.ts";

export interface TerminalChatOptions {
  /** Makes the face, which {@link TerminalChat.run} runs and closes. */
  face(context: FaceContext): ChatFace;
  user: string;
  /** The address to write to first; else that of the newest conversation, else `lastRecipient`. */
  to?: string;
  lastRecipient?: string;
  /** Makes the client, which {@link TerminalChat.run} runs. */
  client(onEvent: (event: ClientEvent) => void | Promise<void>): ChatClient;
  preferences: PreferenceStore;
  /** Keeps a new token of this device. */
  keepCredentials(credentials: Credentials): Promise<void>;
  /** Forgets the token of this device, which the person ended. */
  loggedOut(): Promise<void>;
  signal?: AbortSignal;
  /** A program between chatd and the terminal. */
  multiplexer?: Multiplexer;
  /** For tests; the system's unless given. */
  timers?: Timers;
}

/** How long the end of the chat waits for answers of the server, in milliseconds. */
const farewellMs = 2_000;

/** A person's chat at a terminal, the same for every face. */
export class TerminalChat {
  readonly #options: TerminalChatOptions;
  readonly #state: ChatState;
  readonly #composers: Composers;
  readonly #face: ChatFace;
  readonly #life: ChatLife;
  readonly #submissions: Submissions;
  readonly #alerts: Alerts;
  readonly #commands: CommandContext;
  /** Ends the chat. */
  readonly #stop = new AbortController();
  /** Ends the connection, after the chat. */
  readonly #disconnect = new AbortController();
  #failure: ChatError | undefined;
  /** The person ended the session by a command: its end is no failure. */
  #isLeaving = false;
  #lastNote = "";

  constructor(options: TerminalChatOptions) {
    this.#options = options;
    const { user: me, to, lastRecipient, preferences, multiplexer, timers } = options;
    const { signal } = this.#stop;
    const changed = () => this.#face.update();
    const attempt = (work: () => Promise<void>) => this.#attempt(work);
    const client = options.client((event) => this.#life.onEvent(event));
    const state = this.#state = new ChatState({
      me,
      client,
      preferences,
      resolved: (name, room, known) => this.#life.resolved(name, room, known),
      loading: () => this.#life.loading,
      sending: {
        changed,
        accepted: () => this.#life.notices.accepted(),
        refused: (unsent, error) => this.#submissions.refused(unsent, error),
      },
      transfers: { signal, changed, done: (text) => this.#face.note(text), failed: (text) => this.#face.warn(text) },
      changed,
      timers,
    });
    const composers = this.#composers = new Composers(state);
    const face = this.#face = options.face({ state, composers, person: this.#person });
    const alerts = this.#alerts = new Alerts({
      notify: () => state.preferences.notify,
      emit: (sequence) => face.emit(sequence),
      multiplexer,
      timers,
    });
    const failed = (reason: ChatError) => this.#fail(reason);
    this.#life = new ChatLife({ state, face, alerts, to, lastRecipient, failed, attempt });
    this.#submissions = new Submissions({
      state,
      face,
      composers,
      ready: this.#life.ready,
      signal,
      enter: (destination) => this.#life.enter(destination),
      runCommand: (line, place) => runCommand({ line, place }, this.#commands),
      attempt,
    });
    this.#commands = createCommandContext({
      state,
      face,
      life: this.#life,
      submissions: this.#submissions,
      keepCredentials: (credentials) => options.keepCredentials(credentials),
      loggedOut: () => options.loggedOut(),
      leave: (note = "") => this.#leave(note),
    });
  }

  /** The address that the person writes to; undefined for none, and for a room that could not be resolved. */
  get recipient(): string | undefined {
    const { current } = this.#state;
    return current && !isRoomName(current) ? current.address : undefined;
  }

  /** Runs until the person leaves or the client ends. @returns why the client ended, unless the person wanted it. */
  async run(): Promise<ChatError | undefined> {
    const { signal } = this.#options;
    const stop = () => this.#stop.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      this.#life.openFirst();
      const running = this.#state.client.run({ signal: this.#disconnect.signal }).finally(stop);
      this.#state.attention.noticed();
      await this.#face.run(this.#stop.signal);
      stop();
      await this.#settle(running);
      this.#disconnect.abort();
      const { unplaced } = this.#composers;
      if (unplaced !== "") this.#face.note(`Not sent, since there was no recipient: ${unplaced}`);
      if (this.#lastNote !== "") this.#face.note(this.#lastNote);
      const error = await running ?? this.#failure;
      await this.#submissions.ended();
      await this.#state.sending.ended();
      await this.#state.transfers.ended();
      return this.#isLeaving ? undefined : error;
    } finally {
      stop();
      this.#disconnect.abort();
      signal?.removeEventListener("abort", stop);
      this.#life.close();
      this.#alerts.close();
      await this.#face.close();
      this.#state.close();
    }
  }

  /** Gives messages on their way, and positions that the person has read, a moment to reach the server. */
  async #settle(running: Promise<unknown>): Promise<void> {
    const { client, readMarks, sending } = this.#state;
    if (client.state.kind !== "online") return;
    const settled = new AbortController();
    const sent = this.#submissions.ended().then(() => sending.ended());
    void Promise.race([running, Promise.all([sent, readMarks.tellNow()])]).then(() => settled.abort());
    await wait(this.#options.timers ?? systemTimers, farewellMs, settled.signal);
  }

  get #person(): PersonActions {
    const state = this.#state;
    return {
      submit: (line) => {
        if (line !== "") return this.#submissions.add(line);
        state.client.retryNow();
        this.#face.toNewest();
      },
      edited: (draft) => {
        if (state.current && !isRoomName(state.current)) state.typing.edited(draft, state.current.address);
      },
      choose: (conversation) => void this.#attempt(() => this.#life.switch.choose(conversation)),
      jump: (target) => {
        const { current } = state;
        if (current !== undefined) void this.#attempt(() => this.#life.jumps.to(current, target));
      },
      jumpBack: () => void this.#attempt(() => this.#life.jumps.back()),
      goBack: () => void this.#attempt(() => this.#life.switch.goBack()),
      noticed: () => state.attention.noticed(),
      focusReported: (isFocused) => state.attention.focusReported(isFocused),
      shown: (place, seq) => state.reading.shown(place, seq, state.attention),
      attempt: (work) => void this.#attempt(work),
    };
  }

  /** Ends the chat by a command, with a last note. */
  #leave(note: string): void {
    this.#isLeaving = true;
    this.#lastNote = note;
    this.#stop.abort();
  }

  #fail(reason: ChatError): void {
    this.#failure = reason;
    this.#stop.abort();
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      if (!this.#stop.signal.aborted) this.#face.warn(error.message);
    }
    this.#face.update();
  }
}
