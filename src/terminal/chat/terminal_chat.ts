import type { ChatClient, ClientEvent } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import type { CommandContext } from "../commands/command.ts";
import { runCommand } from "../commands/command_table.ts";
import type { ChatFace, FaceContext, PersonActions } from "./chat_face.ts";
import { ChatLife } from "./chat_life.ts";
import { ChatState } from "./chat_state.ts";
import { createCommandContext } from "./command_context.ts";
import type { PreferenceStore } from "./preferences.ts";
import { Submissions } from "./submissions.ts";

export interface TerminalChatOptions {
  /** Makes the face, which {@link TerminalChat.run} runs and closes. */
  face(context: FaceContext): ChatFace;
  user: string;
  /** The server's address, for people. */
  address: string;
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
}

/** A person's chat at a terminal, the same for every face. */
export class TerminalChat {
  readonly #options: TerminalChatOptions;
  readonly #state: ChatState;
  readonly #face: ChatFace;
  readonly #life: ChatLife;
  readonly #submissions: Submissions;
  readonly #commands: CommandContext;
  readonly #stop = new AbortController();
  #failure: ChatError | undefined;
  /** The person ended the session by a command: its end is no failure. */
  #isLeaving = false;
  #lastNote = "";

  constructor(options: TerminalChatOptions) {
    this.#options = options;
    const { user: me, address, to, lastRecipient, preferences } = options;
    const { signal } = this.#stop;
    const changed = () => this.#face.update();
    const attempt = (work: () => Promise<void>) => this.#attempt(work);
    const client = options.client((event) => this.#life.onEvent(event));
    const state = this.#state = new ChatState({
      me,
      client,
      preferences,
      replyTargetsChanged: changed,
      sending: {
        changed,
        accepted: () => this.#life.notices.accepted(),
        refused: (unsent, reason) => this.#submissions.refused(unsent, reason),
      },
      transfers: { signal, changed, done: (text) => this.#face.note(text), failed: (text) => this.#face.warn(text) },
    });
    const face = this.#face = options.face({ state, person: this.#person });
    const failed = (reason: ChatError) => this.#fail(reason);
    this.#life = new ChatLife({ state, face, address, to, lastRecipient, failed, attempt });
    this.#submissions = new Submissions({
      state,
      face,
      ready: this.#life.ready,
      signal,
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

  /** The address that the person writes to. */
  get recipient(): string | undefined {
    return this.#state.current?.address;
  }

  /** Runs until the person leaves or the client ends. @returns why the client ended, unless the person wanted it. */
  async run(): Promise<ChatError | undefined> {
    const { signal } = this.#options;
    const stop = () => this.#stop.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      const running = this.#state.client.run({ signal: this.#stop.signal }).finally(stop);
      await this.#face.run(this.#stop.signal);
      stop();
      if (this.#lastNote !== "") this.#face.note(this.#lastNote);
      const error = await running ?? this.#failure;
      await this.#submissions.ended();
      await this.#state.sending.ended();
      await this.#state.transfers.ended();
      return this.#isLeaving ? undefined : error;
    } finally {
      stop();
      signal?.removeEventListener("abort", stop);
      this.#life.close();
      await this.#face.close();
      this.#state.close();
    }
  }

  get #person(): PersonActions {
    const state = this.#state;
    return {
      submit: (line) => {
        if (line !== "") return this.#submissions.add(line);
        state.client.retryNow();
        this.#face.toNewest();
      },
      edited: (draft) => state.current && state.typing.edited(draft, state.current.address),
      choose: (conversation) => void this.#attempt(() => this.#life.switch.choose(conversation)),
      read: ({ address, conversation }, seq) => {
        state.readMarks.read(address, seq);
        state.list.read(conversation, seq);
      },
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
