import { FrameQueue } from "../../client/frame_queue.ts";
import { decodeFrame, type ReceivedFrame } from "../../client/received_frame.ts";
import type { Link } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { type Callback, ClientFrame } from "../../gen/chatd/v1/session.ts";
import type { CallbackListener } from "../callback/callback_listener.ts";
import { ClientStream, type ReceivedStatus } from "../http2/client_stream.ts";
import type { ServerConnection } from "./server_connection.ts";
import type { CallDefaults } from "./unary_call.ts";

export interface Http2LinkOptions {
  /** Closed with the link. */
  readonly connection: ServerConnection;
  /** Closed with the link. */
  readonly listener: CallbackListener | undefined;
  readonly signal: AbortSignal | undefined;
  readonly defaults: CallDefaults;
  explain(status: ReceivedStatus): ChatError;
}

/** A client's end of one `Connect` call over chatd's own HTTP/2, and its callbacks. */
export class Http2Link implements Link {
  readonly callback?: Callback;
  readonly frames: AsyncIterable<ReceivedFrame>;
  readonly #options: Http2LinkOptions;
  readonly #call: ClientStream;
  readonly #queue: FrameQueue;
  readonly #abort = () => void this.close();
  #closed: Promise<void> | undefined;

  constructor(options: Http2LinkOptions) {
    const { connection, listener, signal, defaults, explain } = options;
    this.#options = options;
    const first = Promise.withResolvers<void>();
    const queue = new FrameQueue({ pause: () => this.#call.pause(), resume: () => this.#call.resume() });
    this.#call = new ClientStream(connection.http2, {
      ...defaults,
      path: "/chatd.v1.ChatService/Connect",
      onMessage: (message) => {
        this.#take(message);
        first.resolve();
      },
      onEnd(status) {
        if (status.code === 0) queue.end();
        // The connection learns after its calls why it ended.
        else queueMicrotask(() => queue.fail(explain(connection.explain(status))));
        first.resolve();
      },
    });
    this.#queue = queue;
    this.frames = queue;
    this.callback = listener?.callback;
    // Callbacks use another connection, and must not overtake the reply to the hello.
    listener?.serve((frame) => first.promise.then(() => queue.deliver(frame)));
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
  }

  send(frame: ClientFrame): void {
    if (this.#closed === undefined) this.#call.send(ClientFrame.encode(frame).finish());
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Takes a message. @param message its bytes are valid during this call only */
  #take(message: Uint8Array): void {
    let frame: ReceivedFrame;
    try {
      frame = decodeFrame(message.slice());
    } catch (cause) {
      this.#queue.fail(new ChatError("internal", "The server sent a malformed frame.", { cause }));
      return this.#call.cancel();
    }
    this.#queue.push(frame);
  }

  async #close(): Promise<void> {
    const { signal, connection, listener } = this.#options;
    signal?.removeEventListener("abort", this.#abort);
    this.#queue.end();
    this.#call.cancel();
    connection.close();
    await listener?.close();
  }
}
