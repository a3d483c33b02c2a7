import { type ClientState, restoredNote } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import type { ChatFace } from "./chat_face.ts";

export interface ConnectionLifeOptions {
  readonly face: ChatFace;
  /** Loads the chat and chooses a conversation; called again if the connection breaks first. @throws {ChatError} */
  start(hello: HelloResponse): Promise<void>;
  /** Loads everything that was missed without a connection. @throws {ChatError} */
  catchUp(options: { restored: boolean }): Promise<void>;
  /** The log is another one than before. */
  restored(): void;
  disconnected(): void;
  /** There never was a connection. */
  failed(reason: ChatError): void;
  /** Runs work, and warns of its {@link ChatError}. */
  attempt(work: () => Promise<void>): Promise<void>;
}

/** Follows a client from one connection to the next, and tells the person. */
export class ConnectionLife {
  readonly #options: ConnectionLifeOptions;
  readonly #firstTry = Promise.withResolvers<void>();
  /** The server of the last connection; undefined before the first one. */
  #server: string | undefined;
  #isStarted = false;
  /** The last reason that the person was told. */
  #reason: string | undefined;

  constructor(options: ConnectionLifeOptions) {
    this.#options = options;
  }

  /** Resolves when the chat has started, could not be started, or has ended. */
  get ready(): Promise<void> {
    return this.#firstTry.promise;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  changed(state: ClientState): void {
    if (state.kind === "online") void this.#cameOnline(state);
    if (state.kind === "offline") this.#wentOffline(state.reason);
    if (state.kind === "ended") this.#firstTry.resolve();
    this.#options.face.update();
  }

  async #cameOnline({ hello, restored, server }: ClientState & { kind: "online" }): Promise<void> {
    const { face } = this.#options;
    face.note(this.#greeting(hello, server));
    this.#server = server;
    this.#reason = undefined;
    if (restored) this.#options.restored();
    await this.#options.attempt(() => this.#isStarted ? this.#options.catchUp({ restored }) : this.#start(hello));
    // At the end, since a conversation that is loaded again comes without the notes before it.
    if (restored) face.note(restoredNote);
    face.update();
  }

  #greeting(hello: HelloResponse, server: string): string {
    if (this.#server === undefined) {
      const program = hello.server === "" ? "" : ` (${hello.server})`;
      return `Connected to ${server}${program} as ${hello.user}. /help lists commands and keys.`;
    }
    return this.#server === server ? "Connected again." : `Connected again, to ${server}.`;
  }

  async #start(hello: HelloResponse): Promise<void> {
    try {
      await this.#options.start(hello);
      this.#isStarted = true;
    } catch (error) {
      // After a lost connection, the next one starts the chat.
      this.#isStarted = !isUnavailable(error);
      throw error;
    } finally {
      this.#firstTry.resolve();
    }
  }

  #wentOffline(reason: ChatError): void {
    if (this.#server === undefined) return this.#options.failed(reason);
    this.#options.disconnected();
    if (this.#reason !== reason.message) this.#options.face.warn(`Disconnected: ${reason.message}`);
    this.#reason = reason.message;
  }
}

/** Whether an error means that there is no connection. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof ChatError && error.code === "unavailable";
}
