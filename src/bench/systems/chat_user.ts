import { ChatClient, type ClientEvent } from "../../client/chat_client.ts";
import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { DeliveryMode } from "../../gen/chatd/v1/session.ts";
import { version } from "../../host/version.ts";

export interface ChatUserOptions {
  readonly name: string;
  readonly token: string;
  readonly transport: Transport;
  /** Requires delivery by callback. */
  readonly callback: boolean;
  onEvent(event: ClientEvent): void;
}

const callbackTries = 5;

class NotCalledBack extends ChatError {}

/** A logged-in user with a real client. */
export class ChatUser implements AsyncDisposable {
  readonly name: string;
  readonly client: ChatClient;
  readonly #ready = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  private constructor({ name, token, transport, callback, onEvent }: ChatUserOptions) {
    this.name = name;
    this.#ready.promise.catch(() => {});
    this.client = new ChatClient({
      transport,
      token,
      client: `chatd-bench/${version}`,
      onEvent: (event) => {
        if (event.kind === "delivery_changed") this.#deliveryChanged(event.change);
        if (event.kind === "state" && event.state.kind === "online" && !callback) this.#ready.resolve();
        onEvent(event);
      },
    });
    this.#running = this.client.run({ signal: this.#stop.signal }).then((error) =>
      this.#ready.reject(error ?? new ChatError("unavailable", "The client was closed."))
    );
  }

  /**
   * Connects; resolves when the session is online with the requested delivery. A server that calls many clients back at
   * once may miss the deadline of one, which then connects again.
   * @throws {ChatError}
   */
  static async connect(options: ChatUserOptions): Promise<ChatUser> {
    for (let left = callbackTries;; left--) {
      const user = new ChatUser(options);
      try {
        await user.#ready.promise;
        return user;
      } catch (error) {
        await user[Symbol.asyncDispose]();
        if (!(error instanceof NotCalledBack) || left <= 1) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #deliveryChanged({ mode, reason }: { mode: DeliveryMode; reason: string }): void {
    if (mode === DeliveryMode.CALLBACK) this.#ready.resolve();
    else this.#ready.reject(new NotCalledBack("unavailable", reason));
  }
}
