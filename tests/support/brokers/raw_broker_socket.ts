import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** Of AMQP 0-9-1: the class and the number of a method. */
export type MethodId = readonly [number, number];

const connectionClose = "\0\x0a\0\x32";
const channelOpened = "\0\x14\0\x0b";

/** Of basic.qos, which changes nothing. */
const manyRequests = Buffer.concat(
  Array.from({ length: 10_000 }, () => methodFrame(1, [60, 10], Buffer.from([0, 0, 0, 0, 0, 1, 0]))),
);

/** A client of RabbitMQ that writes AMQP's methods as bytes, and does what amqplib cannot. */
export class RawBrokerSocket implements Disposable {
  readonly #socket: Socket;
  #isClosed = false;
  #received = "";

  /** Logs in, and opens channel 1. */
  constructor(port: number, { user, password }: { user: string; password: string }) {
    const start = Buffer.concat([
      longText(""),
      shortText("PLAIN"),
      longText(`\0${user}\0${password}`),
      shortText("en_US"),
    ]);
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("close", () => this.#isClosed = true);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (bytes: Buffer) => {
      this.#received += bytes.toString("latin1");
      if (this.#received.includes(connectionClose)) this.#socket.end(methodFrame(0, [10, 51]));
    });
    this.#socket.write(Buffer.from([65, 77, 81, 80, 0, 0, 9, 1]));
    this.#socket.write(methodFrame(0, [10, 11], start));
    this.#socket.write(methodFrame(0, [10, 31], Buffer.from([0, 8, 0, 0, 32, 0, 0, 0])));
    this.#socket.write(methodFrame(0, [10, 40], Buffer.concat([shortText("/"), Buffer.from([0, 0])])));
    this.#socket.write(methodFrame(1, [20, 10], shortText("")));
  }

  /** The broker has opened the channel. */
  get isReady(): boolean {
    return this.#received.includes(channelOpened);
  }

  /** Is not noticed while nothing is read. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Of all that was written, in bytes: what the system has not taken yet. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Asks for 10,000 replies and reads none of them, unless the system has not taken earlier requests yet. */
  askInVain(): void {
    this.#socket.pause();
    if (this.#socket.writableLength < 1024 * 1024) this.#socket.write(manyRequests);
  }

  stopReading(): void {
    this.#socket.pause();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A frame with a method, on a channel. */
export function methodFrame(channel: number, [classId, number]: MethodId, body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(1, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(body.length + 4, 3);
  head.writeUInt16BE(classId, 7);
  head.writeUInt16BE(number, 9);
  return Buffer.concat([head, body, Buffer.from([0xce])]);
}

function longText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
}

function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}
