import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from "@grpc/grpc-js";
import { ChatError } from "../../core/chat_error.ts";
import { decodeNames, type Relay, relayPath } from "./relay.ts";

const asBytes = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const confirmation = new Uint8Array(0);

const service = {
  relay: {
    path: relayPath,
    requestStream: true,
    responseStream: true,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
} satisfies ServiceDefinition;

/** Starts a relay on grpc-js, which writes each message by itself. @throws {ChatError} `unavailable` */
export async function startGrpcRelay({ port }: { port: number }): Promise<Relay> {
  const streams = new Map<string, ServerDuplexStream<Uint8Array, Uint8Array>>();
  const server = new Server();
  server.addService(service, {
    relay: (call: ServerDuplexStream<Uint8Array, Uint8Array>) => {
      let names: [name: string, to: string] | undefined;
      let receiver: ServerDuplexStream<Uint8Array, Uint8Array> | undefined;
      const forget = () => names && streams.delete(names[0]);
      call.on("data", (bytes: Uint8Array) => {
        if (names === undefined) {
          names = decodeNames(bytes);
          streams.set(names[0], call);
        } else {
          receiver ??= streams.get(names[1]);
          receiver?.write(bytes);
        }
        call.write(confirmation);
      });
      call.on("error", forget);
      call.on("end", () => {
        forget();
        call.end();
      });
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
