import { Buffer } from "node:buffer";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { ClientFrame, type Reply, ServerFrame } from "../../../src/gen/chatd/v1/session.ts";
import { grpcMessage } from "../../crash/http2_frames.ts";
import type { RequestKind } from "./received_frames.ts";
import { turns } from "../waiting/turns.ts";
import { sendRequest } from "./wire_values.ts";

/** A client of `node:http2` that makes calls as a test orders them. */
export class Http2Client implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Resolves when the connection is closed, by whichever side. */
  readonly closed: Promise<void>;
  /** The server said that it takes no more calls. */
  isToldToGo = false;

  /** @param options.window octets of each answer that the server may send before they are read */
  constructor(url: string | number, { window, ca }: { window?: number; ca?: string } = {}) {
    const to = typeof url === "number" ? `http://127.0.0.1:${url}` : url;
    const settings = window === undefined ? {} : { initialWindowSize: window };
    this.session = connect(to, { settings, ca });
    this.session.on("error", () => {});
    this.session.on("goaway", () => this.isToldToGo = true);
    this.closed = new Promise((resolve) => this.session.once("close", () => resolve()));
  }

  /** Opens a call without a message. */
  open(path: string, { token, headers }: { token?: string; headers?: Record<string, string> } = {}): GrpcCall {
    return new GrpcCall(this.session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    await this.closed;
  }
}

/** One call, whose answers are read as they come unless it is opened by {@link GrpcCall.readSlowly}. */
export class GrpcCall {
  readonly stream: ClientHttp2Stream;
  /** The headers of the answer, and its trailers; a later field wins. */
  readonly fields: Record<string, string> = {};
  /** Resolves when the stream is closed. */
  readonly closed: Promise<void>;
  #bytes = Buffer.alloc(0);

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    const take = (fields: object) => Object.assign(this.fields, fields);
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", () => {});
    this.closed = new Promise((resolve) => stream.once("close", () => resolve()));
  }

  /** The status as a number; undefined when none came. */
  get status(): number | undefined {
    const status = this.fields["grpc-status"];
    return status === undefined ? undefined : Number(status);
  }

  send(...messages: Uint8Array[]): this {
    for (const message of messages) this.stream.write(grpcMessage(message));
    return this;
  }

  /** Sends no more. */
  halfClose(): this {
    this.stream.end();
    return this;
  }

  /** Reads all that comes. Resolves when the stream is closed. */
  async read(): Promise<this> {
    this.stream.on("data", (chunk: Buffer) => this.#bytes = Buffer.concat([this.#bytes, chunk]));
    await this.closed;
    return this;
  }

  /** Reads a little in each turn of the event loop. Resolves when the stream is closed. */
  async readSlowly(): Promise<this> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.stream) {
      chunks.push(chunk as Buffer);
      await turns(3);
    }
    this.#bytes = Buffer.concat(chunks);
    await this.closed;
    return this;
  }

  /** The whole messages that came. */
  get messages(): Buffer[] {
    const messages: Buffer[] = [];
    for (let at = 0; at + 5 <= this.#bytes.length;) {
      const end = at + 5 + this.#bytes.readUInt32BE(at + 1);
      if (end > this.#bytes.length) break;
      messages.push(this.#bytes.subarray(at + 5, end));
      at = end;
    }
    return messages;
  }

  /** The replies of a session that came. */
  get replies(): Reply[] {
    return this.messages.flatMap((message) =>
      ServerFrame.decode(message).items.flatMap(({ kind }) => kind?.$case === "reply" ? [kind.value] : [])
    );
  }
}

/** Encodes requests as one frame, numbered from `firstId` on. */
export function encodeRequests(kinds: readonly RequestKind[], firstId = 1): Uint8Array {
  return ClientFrame.encode({ requests: kinds.map((kind, index) => ({ id: firstId + index, kind })) }).finish();
}

export function sendOf(to: string, text: string): RequestKind {
  return { $case: "send", value: sendRequest({ to, text, id: createMessageId() }) };
}
