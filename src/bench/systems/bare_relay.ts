import {
  type Client,
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { ChatError } from "../../core/chat_error.ts";

const asBytes = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const service = {
  relay: {
    path: "/chatd.bench.BareRelay/Relay",
    requestStream: true,
    responseStream: true,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
} satisfies ServiceDefinition;

/** A server on grpc-js that relays bytes between streams, without accounts or a store: the limit of the library. */
export interface BareRelay {
  readonly port: number;
  close(): void;
}

/** Starts a relay on 127.0.0.1. @throws {ChatError} `unavailable` when it cannot listen */
export async function startBareRelay({ port }: { port: number }): Promise<BareRelay> {
  const streams = new Map<string, ServerDuplexStream<Uint8Array, Uint8Array>>();
  const server = new Server();
  server.addService(service, {
    relay: (call: ServerDuplexStream<Uint8Array, Uint8Array>) => {
      const [name, to] = ["name", "to"].map((key) => String(call.metadata.get(key)[0] ?? ""));
      streams.set(name, call);
      let receiver: ServerDuplexStream<Uint8Array, Uint8Array> | undefined;
      call.on("data", (bytes: Uint8Array) => (receiver ??= streams.get(to))?.write(bytes));
      call.on("error", () => streams.delete(name));
      call.on("end", () => {
        streams.delete(name);
        call.end();
      });
      // The client waits for metadata: from now on, others can write to it.
      call.sendMetadata(new Metadata());
    },
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new ChatError("unavailable", `The relay cannot listen: ${error.message}`, { cause: error }));
    });
  });
  return { port: bound, close: () => server.forceShutdown() };
}

export interface BareStreamOptions {
  /** The port of the relay on 127.0.0.1. */
  readonly port: number;
  readonly name: string;
  /** The name of the stream that gets the bytes; none unless given. */
  readonly to?: string;
  onBytes(bytes: Uint8Array): void;
}

/** A stream to a relay, over its own connection. */
export class BareStream {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Uint8Array, Uint8Array>;

  private constructor({ port, name, to, onBytes }: BareStreamOptions) {
    const Stub = makeGenericClientConstructor(service, "BareRelay");
    this.#client = new Stub(`127.0.0.1:${port}`, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
    const metadata = new Metadata();
    metadata.set("name", name);
    if (to !== undefined) metadata.set("to", to);
    this.#call = this.#client.makeBidiStreamRequest(service.relay.path, asBytes, asBytes, metadata);
    this.#call.on("data", onBytes);
  }

  /** Opens a stream; resolves when the relay has registered it. @throws {ChatError} `unavailable` */
  static async open(options: BareStreamOptions): Promise<BareStream> {
    const stream = new BareStream(options);
    await new Promise<void>((resolve, reject) => {
      stream.#call.on("metadata", () => resolve());
      // A stream also ends with an error when it is closed, or its relay is.
      stream.#call.on("error", (cause: Error) => {
        reject(new ChatError("unavailable", `The relay ended the stream: ${cause.message}`, { cause }));
      });
    });
    return stream;
  }

  write(bytes: Uint8Array): void {
    this.#call.write(bytes);
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}
