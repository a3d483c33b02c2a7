import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import {
  data,
  grpcMessage,
  headers,
  PREFACE,
  requestHeaders,
  settings,
  SETTINGS_ACK,
} from "../../crash/http2_frames.ts";
import { eventually } from "../waiting/eventually.ts";

/** A client that makes calls, reads what comes, and answers nothing: neither PING nor GOAWAY. */
export class FrozenClient implements AsyncDisposable {
  readonly socket: Socket;
  /** Resolves when the connection is closed. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** All that came. */
  received: Buffer = Buffer.alloc(0);
  #lastId = -1;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) =>
      socket.once("close", () => {
        this.isClosed = true;
        resolve();
      })
    );
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.received = Buffer.concat([this.received, chunk]));
    socket.write(Buffer.concat([PREFACE, settings(), SETTINGS_ACK]));
  }

  /** Resolves when the server has said something. @param ca of a server with TLS */
  static async open(port: number, { ca }: { ca?: string } = {}): Promise<FrozenClient> {
    const socket = ca === undefined
      ? connect(port, "127.0.0.1")
      : connectTls({ port, host: "127.0.0.1", servername: "localhost", ca, ALPNProtocols: ["h2"] });
    const client = new FrozenClient(socket);
    await eventually(() => client.received.length > 0);
    return client;
  }

  /** Opens a call, with a message or without. */
  call(
    path: string,
    { token, message, isLast = true }: { token?: string; message: Uint8Array; isLast?: boolean },
  ): void {
    this.#lastId += 2;
    const block = requestHeaders(path, token === undefined ? [] : [["authorization", `Bearer ${token}`]]);
    const frames = [headers(this.#lastId, block), data(this.#lastId, grpcMessage(message), isLast)];
    this.socket.write(Buffer.concat(frames));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}
