import { ChatError } from "../../core/chat_error.ts";
import {
  encodeFrame,
  Flag,
  frameHeaderBytes,
  FrameType,
  minMaxFrameBytes,
  putFrameHeader,
  readUint32,
  Setting,
  writeUint32,
} from "../../grpc/http2/frames.ts";
import { GrpcMessages } from "./grpc_messages.ts";
import { callStream, openingBytes, settingsAck, windowUpdates } from "./http2_bytes.ts";
import type { Pipe, PipeHandlers } from "./pipe.ts";
import { SendWindow } from "./send_window.ts";
import { SocketWriter } from "./socket_writer.ts";

const prefixBytes = 5;
/** Most connections of a bench receive little. */
const firstBuffer = 2 * 1024;
const largestBuffer = 256 * 1024;
/** Octets of DATA after which the peer gets as many again: half of the largest window. */
const regrant = 2 ** 30;

export interface Http2PipeOptions extends PipeHandlers {
  readonly host: string;
  readonly port: number;
  readonly tls?: PipeTls;
  /** The method, "/package.Service/Method". */
  readonly path: string;
}

export interface PipeTls {
  /**
   * PEM certificates to trust besides the system's, which Deno cannot replace; none unless given. The bench registers
   * each user over a connection that trusts these alone.
   */
  readonly ca?: string;
  readonly serverName: string;
}

/**
 * One call of gRPC over a connection of its own, in raw frames: it compresses no headers, looks at no response but its
 * end, and shares one buffer of the reader with all messages.
 */
export class Http2Pipe implements Pipe {
  readonly #connection: Deno.Conn;
  readonly #handlers: PipeHandlers;
  readonly #writer: SocketWriter;
  readonly #messages: GrpcMessages;
  readonly #reading: Promise<void>;
  readonly #window = new SendWindow({ overhead: prefixBytes, write: (message) => this.#write(message) });
  #received = 0;
  #closed = false;

  private constructor(connection: Deno.Conn, { onMessage, onLost, ...target }: Http2PipeOptions) {
    this.#connection = connection;
    this.#handlers = { onMessage, onLost };
    this.#messages = new GrpcMessages((bytes, from, to) => this.#closed || onMessage(bytes, from, to));
    this.#writer = new SocketWriter(connection, (error) => this.#lose(error));
    const { host, port, tls, path } = target;
    const scheme = tls === undefined ? "http" : "https";
    this.#writer.write(openingBytes({ scheme, authority: tls?.serverName ?? `${host}:${port}`, path }));
    this.#reading = this.#read().catch((error) => this.#lose(error));
  }

  /** Connects and begins the call. @throws {ChatError} `unavailable` */
  static async open(options: Http2PipeOptions): Promise<Http2Pipe> {
    const { host, port, tls } = options;
    try {
      const socket = await Deno.connect({ hostname: host, port });
      socket.setNoDelay(true);
      return new Http2Pipe(tls === undefined ? socket : await encrypt(socket, tls), options);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ChatError("unavailable", `Cannot connect to ${host}:${port}: ${why}`, { cause });
    }
  }

  send(message: Uint8Array): void {
    if (!this.#closed) this.#window.send(message);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#writer.close();
      try {
        this.#connection.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    await this.#reading;
    await this.#writer.done;
  }

  /** Writes a message in as few frames of DATA as possible. */
  #write(message: Uint8Array): void {
    let length = Math.min(prefixBytes + message.length, minMaxFrameBytes);
    let { bytes, at } = this.#writer.reserve(frameHeaderBytes + length);
    putFrameHeader(bytes, at, { length, type: FrameType.data, flags: 0, streamId: callStream });
    bytes[at + frameHeaderBytes] = 0;
    writeUint32(bytes, { at: at + frameHeaderBytes + 1, value: message.length });
    bytes.set(message.subarray(0, length - prefixBytes), at + frameHeaderBytes + prefixBytes);
    for (let from = length - prefixBytes; from < message.length; from += length) {
      length = Math.min(message.length - from, minMaxFrameBytes);
      ({ bytes, at } = this.#writer.reserve(frameHeaderBytes + length));
      putFrameHeader(bytes, at, { length, type: FrameType.data, flags: 0, streamId: callStream });
      bytes.set(message.subarray(from, from + length), at + frameHeaderBytes);
    }
  }

  async #read(): Promise<void> {
    let buffer = new Uint8Array(firstBuffer);
    let filled = 0;
    while (!this.#closed) {
      const count = await this.#connection.read(buffer.subarray(filled));
      if (count === null) throw new ChatError("unavailable", "The server closed the connection.");
      filled += count;
      const isFull = filled === buffer.length;
      const used = this.#takeFrames(buffer, filled);
      buffer.copyWithin(0, used, filled);
      filled -= used;
      if (isFull && buffer.length < largestBuffer) buffer = grow(buffer, filled);
    }
  }

  /** @returns the length of all complete frames */
  #takeFrames(bytes: Uint8Array, end: number): number {
    let at = 0;
    while (at + frameHeaderBytes <= end && !this.#closed) {
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      const next = at + frameHeaderBytes + length;
      if (next > end) break;
      this.#takeFrame(bytes, at, next);
      at = next;
    }
    return at;
  }

  #takeFrame(bytes: Uint8Array, at: number, next: number): void {
    const [type, flags, from] = [bytes[at + 3], bytes[at + 4], at + frameHeaderBytes];
    if (type === FrameType.data) {
      this.#received += next - from;
      if (this.#received >= regrant) {
        this.#writer.write(windowUpdates(this.#received));
        this.#received = 0;
      }
      this.#messages.add(bytes, from, next);
      if ((flags & Flag.endStream) !== 0) this.#lose(ended());
    } else if (type === FrameType.settings) {
      if ((flags & Flag.ack) === 0) this.#takeSettings(bytes, from, next);
    } else if (type === FrameType.windowUpdate) {
      this.#window.grant(readUint32(bytes, at + 5), readUint32(bytes, from));
    } else if (type === FrameType.ping) {
      if ((flags & Flag.ack) === 0) {
        this.#writer.write(encodeFrame(FrameType.ping, { flags: Flag.ack, payload: bytes.subarray(from, next) }));
      }
    } else if (type === FrameType.headers) {
      if ((flags & Flag.endStream) !== 0) this.#lose(ended());
    } else if (type === FrameType.rstStream || type === FrameType.goaway) {
      this.#lose(ended());
    }
  }

  #takeSettings(bytes: Uint8Array, from: number, next: number): void {
    for (let at = from; at < next; at += 6) {
      const setting = (bytes[at] << 8) | bytes[at + 1];
      if (setting === Setting.initialWindowSize) this.#window.setInitial(readUint32(bytes, at + 2));
    }
    this.#writer.write(settingsAck);
  }

  #lose(error: Error): void {
    if (this.#closed) return;
    void this.close();
    this.#handlers.onLost(isOfDeno(error) ? broken(error) : error);
  }
}

/** @throws {Error} if the server's certificate is not trusted, for example */
async function encrypt(socket: Deno.TcpConn, { ca, serverName }: PipeTls): Promise<Deno.TlsConn> {
  const caCerts = ca === undefined ? [] : [ca];
  const connection = await Deno.startTls(socket, { hostname: serverName, caCerts, alpnProtocols: ["h2"] });
  try {
    await connection.handshake();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function grow(bytes: Uint8Array<ArrayBuffer>, filled: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * bytes.length);
  larger.set(bytes.subarray(0, filled));
  return larger;
}

/** Reports whether an error is of the connection, and not of the code that reads from it. */
function isOfDeno(error: Error): boolean {
  return Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function broken(cause: Error): ChatError {
  return new ChatError("unavailable", `The connection to the server broke: ${cause.message}`, { cause });
}

function ended(): ChatError {
  return new ChatError("unavailable", "The server ended the call.");
}
