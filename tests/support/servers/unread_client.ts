import { Buffer } from "node:buffer";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { grpcMessage } from "../../crash/http2_frames.ts";
import { until } from "../waiting/turns.ts";

/** A connection whose HTTP/2 window is closed: the server can send headers over it, and not one byte of an answer. */
export class UnreadClient implements AsyncDisposable {
  readonly #session: ClientHttp2Session;
  readonly #closed: Promise<void>;

  constructor(port: number) {
    this.#session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
    this.#session.on("error", () => {});
    this.#closed = new Promise((resolve) => this.#session.once("close", () => resolve()));
  }

  /** Calls, and waits for the headers of the answer: "open" when a body is to follow, else the code of the error. */
  async call(path: string, body: Uint8Array, token?: string): Promise<string> {
    const { headers } = await this.start(path, [body], token);
    if (headers["grpc-status"] === undefined) return "open";
    return String(headers["chatd-error-code"] ?? `status ${headers["grpc-status"]}`);
  }

  /** Sends these messages in one call. Resolves when the headers of the answer are there. */
  async start(
    path: string,
    bodies: Uint8Array[],
    token?: string,
  ): Promise<{ stream: ClientHttp2Stream; headers: IncomingHttpHeaders }> {
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    });
    stream.on("error", () => {});
    let headers: IncomingHttpHeaders | undefined;
    stream.on("response", (received) => headers = received);
    for (const body of bodies) stream.write(Buffer.from(grpcMessage(body)));
    stream.end();
    return { stream, headers: await until(() => headers, { what: `headers of ${path}` }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.destroy();
    await this.#closed;
  }
}
