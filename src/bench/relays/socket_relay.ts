import { type AddressInfo, createServer, type Socket } from "node:net";
import { ChatError } from "../../core/chat_error.ts";
import {
  clientPreface,
  Flag,
  frameHeaderBytes,
  FrameType,
  minMaxFrameBytes,
  putFrameHeader,
} from "../../grpc/http2/frames.ts";
import { GrpcMessages } from "../driver/grpc_messages.ts";
import { answerBytes, callStream, settingsAck } from "../driver/http2_bytes.ts";
import { decodeNames, type Relay } from "./relay.ts";

const prefixBytes = 5;

/**
 * Starts a relay on sockets, which reads and writes the frames of HTTP/2 itself, and joins all messages that it passes
 * on after one read. It is for the driver of the bench: it looks at no headers and no windows.
 * @throws {ChatError} `unavailable` when it cannot listen
 */
export async function startSocketRelay({ port }: { port: number }): Promise<Relay> {
  const streams = new Map<string, RelayedStream>();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const stream = new RelayedStream(socket, streams);
    sockets.add(socket);
    socket.on("data", (bytes: Uint8Array) => stream.read(bytes));
    // A driver that closes its connection may leave answers unread.
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      stream.forget();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", (cause) => {
      reject(new ChatError("unavailable", `The relay cannot listen: ${cause.message}`, { cause }));
    });
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const answer = answerBytes();

/** Streams with messages that wait for the end of the current read. */
const waiting: RelayedStream[] = [];

class RelayedStream {
  readonly #socket: Socket;
  readonly #streams: Map<string, RelayedStream>;
  readonly #messages = new GrpcMessages((...message) => this.#pass(...message));
  /** An incomplete frame. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Bytes of the client's preface that have not arrived. */
  #missingPreface = clientPreface.length;
  #name: string | undefined;
  #to = "";
  #receiver: RelayedStream | undefined;
  /** DATA for the peer of this stream. */
  #out = Buffer.allocUnsafe(1024);
  #length = 0;

  constructor(socket: Socket, streams: Map<string, RelayedStream>) {
    this.#socket = socket;
    this.#streams = streams;
  }

  read(bytes: Uint8Array): void {
    if (this.#rest.length > 0) bytes = Buffer.concat([this.#rest, bytes]);
    let at = Math.min(this.#missingPreface, bytes.length);
    this.#missingPreface -= at;
    while (at + frameHeaderBytes <= bytes.length) {
      const next = at + frameHeaderBytes + ((bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]);
      if (next > bytes.length) break;
      this.#takeFrame(bytes, at, next);
      at = next;
    }
    this.#rest = at < bytes.length ? bytes.slice(at) : new Uint8Array(0);
    for (const stream of waiting.splice(0)) stream.#flush();
  }

  forget(): void {
    if (this.#name !== undefined) this.#streams.delete(this.#name);
  }

  #takeFrame(bytes: Uint8Array, at: number, next: number): void {
    const [type, flags] = [bytes[at + 3], bytes[at + 4]];
    if (type === FrameType.data) this.#messages.add(bytes, at + frameHeaderBytes, next);
    else if (type === FrameType.headers) this.#socket.write(answer);
    else if (type === FrameType.settings && (flags & Flag.ack) === 0) this.#socket.write(settingsAck);
  }

  #pass(bytes: Uint8Array, from: number, to: number): void {
    if (this.#name === undefined) {
      [this.#name, this.#to] = decodeNames(bytes.subarray(from, to));
      this.#streams.set(this.#name, this);
    } else {
      this.#receiver ??= this.#streams.get(this.#to);
      if (this.#receiver !== undefined) this.#receiver.#add(bytes, from, to);
    }
    this.#add(bytes, from, from);
  }

  #add(bytes: Uint8Array, from: number, to: number): void {
    if (this.#length === 0) waiting.push(this);
    const needed = this.#length + prefixBytes + to - from;
    if (needed > this.#out.length) this.#out = Buffer.concat([this.#out], 2 * needed);
    this.#out[this.#length] = 0;
    this.#out.writeUInt32BE(to - from, this.#length + 1);
    this.#out.set(bytes.subarray(from, to), this.#length + prefixBytes);
    this.#length = needed;
  }

  /** Writes all messages as DATA, without a frame for each. */
  #flush(): void {
    const frames: Uint8Array[] = [];
    for (let at = 0; at < this.#length; at += minMaxFrameBytes) {
      const length = Math.min(this.#length - at, minMaxFrameBytes);
      const head = new Uint8Array(frameHeaderBytes);
      putFrameHeader(head, 0, { length, type: FrameType.data, flags: 0, streamId: callStream });
      frames.push(head, this.#out.subarray(at, at + length));
    }
    this.#length = 0;
    this.#socket.write(Buffer.concat(frames));
  }
}
