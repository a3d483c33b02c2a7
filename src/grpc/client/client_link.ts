import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { FrameQueue } from "../../client/frame_queue.ts";
import { decodeFrame, type ReceivedFrame } from "../../client/received_frame.ts";
import type { Link } from "../../client/transport.ts";
import type { ChatError } from "../../core/chat_error.ts";
import { ChatServiceDefinition } from "../../gen/chatd/v1/chat_service.ts";
import { type Callback, type ClientFrame, ServerFrame } from "../../gen/chatd/v1/session.ts";
import type { CallbackListener } from "../callback/callback_listener.ts";
import type { GrpcJsClient } from "./grpc_js_service.ts";

const { fullName, methods: { connect } } = ChatServiceDefinition;

/** `ChatService.Connect` alone, whose frames are received with their length. */
export const sessionService = {
  fullName,
  methods: { connect: { ...connect, responseType: { encode: ServerFrame.encode, decode: decodeFrame } } },
};

export interface GrpcLinkOptions {
  /** Closed with the link. */
  client: GrpcJsClient<typeof sessionService>;
  /** Closed with the link. */
  listener: CallbackListener | undefined;
  signal: AbortSignal | undefined;
  explain(error: ServiceError): ChatError;
}

/** A client's end of one `Connect` call and its callbacks. */
export class GrpcLink implements Link {
  readonly callback?: Callback;
  readonly frames: AsyncIterable<ReceivedFrame>;
  readonly #options: GrpcLinkOptions;
  readonly #call: ClientDuplexStream<ClientFrame, ReceivedFrame>;
  readonly #queue: FrameQueue;
  readonly #abort = () => void this.close();
  #closed: Promise<void> | undefined;

  constructor(options: GrpcLinkOptions) {
    this.#options = options;
    const call = options.client.connect();
    const queue = new FrameQueue({ pause: () => call.pause(), resume: () => call.resume() });
    const first = Promise.withResolvers<void>();
    call.on("data", (frame: ReceivedFrame) => {
      queue.push(frame);
      first.resolve();
    });
    call.on("error", (error: ServiceError) => queue.fail(options.explain(error)));
    call.on("end", () => queue.end());
    call.on("close", () => first.resolve());
    this.#call = call;
    this.#queue = queue;
    this.frames = queue;
    this.callback = options.listener?.callback;
    // Callbacks use another connection, and must not overtake the reply to the hello.
    options.listener?.serve((frame) => first.promise.then(() => queue.deliver(frame)));
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted) this.#abort();
  }

  send(frame: ClientFrame): void {
    if (this.#closed === undefined && this.#call.writable) this.#call.write(frame);
  }

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    const { signal, client, listener } = this.#options;
    signal?.removeEventListener("abort", this.#abort);
    this.#queue.end();
    this.#call.cancel();
    client.close();
    await listener?.close();
  }
}
