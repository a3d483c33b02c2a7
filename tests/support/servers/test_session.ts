import assert from "node:assert/strict";
import type { ChatError, ChatErrorCode } from "../../../src/core/chat_error.ts";
import { type Log, silentLog } from "../../../src/core/log.ts";
import {
  ClientFrame,
  type Hello,
  type HelloResponse,
  type Request,
  ServerFrame,
} from "../../../src/gen/chatd/v1/session.ts";
import type { DialCallback } from "../../../src/session/callback_delivery.ts";
import { Session } from "../../../src/session/session.ts";
import { until } from "../waiting/turns.ts";
import {
  type Question,
  ReceivedFrames,
  type ReplyResult,
  type ReplyValues,
  type RequestKind,
  type RequestValues,
} from "./received_frames.ts";
import type { TestChat } from "./test_chat.ts";

export interface TestSessionOptions {
  dialCallback?: DialCallback;
  log?: Log;
  windowBytes?: number;
  /** Frames leave only when the test says so by {@link TestSession.takeFrames}; they leave at once unless given. */
  holdsFrames?: boolean;
  /** Whether the session takes frames decoded, as from a client that sends JSON. */
  decodes?: boolean;
  defer?(callback: () => void): void;
}

/** A session of the server, and the client at the other end of its pipe. */
export class TestSession extends ReceivedFrames {
  readonly session: Session;
  /** How long each frame was. */
  readonly sizes: number[] = [];
  /** What the pipe was ended with; undefined while it is open. */
  ended: { reason: ChatError | undefined } | undefined;
  /** Octets of frames that have not left. */
  unsentBytes = 0;
  readonly #decodes: boolean;
  #lastId = 0;

  constructor({ chat }: TestChat, options: TestSessionOptions = {}) {
    super();
    const { dialCallback, log = silentLog, windowBytes, holdsFrames = false, defer = setImmediate } = options;
    this.#decodes = options.decodes ?? false;
    const shared = {
      chat,
      log,
      server: "chatd test",
      transport: "test",
      dialCallback: dialCallback && (() => dialCallback),
      windowBytes,
      defer,
    };
    this.session = new Session(shared, {
      address: "127.0.0.1",
      send: (frame) => {
        assert.equal(this.ended, undefined, "a frame came after the end");
        this.frames.push(ServerFrame.decode(frame.toBytes()));
        this.sizes.push(frame.length);
        if (holdsFrames) this.unsentBytes += frame.length;
      },
      unsentBytes: () => this.unsentBytes,
      end: (reason) => {
        assert.equal(this.ended, undefined, "the pipe was ended twice");
        this.ended = { reason };
      },
    });
  }

  /** A session that has had its hello. */
  static async open(
    chat: TestChat,
    token: string,
    { hello, ...options }: TestSessionOptions & { hello?: Partial<Hello> } = {},
  ): Promise<TestSession> {
    const client = new TestSession(chat, options);
    await client.hello(token, hello);
    return client;
  }

  async hello(token: string, hello: Partial<Hello> = {}): Promise<HelloResponse> {
    return await this.ask("hello", helloWith(token, hello));
  }

  /** The code that the session ended with, as its last item and as the end of its pipe; undefined while it lives. */
  get endCode(): ChatErrorCode | undefined {
    if (this.ended?.reason === undefined) return undefined;
    assert.equal(this.endReason?.code, this.ended.reason.code);
    return this.ended.reason.code;
  }

  /** Lets all frames leave that have not. */
  takeFrames(): void {
    this.unsentBytes = 0;
    this.session.drained();
  }

  /** Sends requests in one frame. @returns their ids. */
  request(...kinds: RequestKind[]): number[] {
    const requests = kinds.map((kind) => ({ id: ++this.#lastId, kind }));
    this.receive({ requests });
    return requests.map(({ id }) => id);
  }

  receive(frame: { requests: Request[] }): void {
    const bytes = ClientFrame.encode(frame).finish();
    if (this.#decodes) this.session.receive(ClientFrame.decode(bytes), bytes.length);
    else this.session.receiveEncoded(bytes);
  }

  /** Sends one request and resolves with what it is answered. */
  async ask<Name extends Question>(name: Name, value: RequestValues[Name]): Promise<ReplyValues[Name]> {
    const [id] = this.request({ $case: name, value } as RequestKind);
    const result = await this.reply(id);
    assert.equal(result.$case, name, JSON.stringify(result.value));
    return result.value as ReplyValues[Name];
  }

  /** The code of the error that a request is answered with. */
  async refusal(kind: RequestKind): Promise<string> {
    const result = await this.reply(this.request(kind)[0]);
    return result.$case === "error" ? result.value.code : `not refused: ${result.$case}`;
  }

  async reply(id: number): Promise<ReplyResult> {
    const reply = await until(() => this.replies.find(({ requestId }) => requestId === id), {
      what: `the reply to request ${id}`,
    });
    return reply.result!;
  }

  /** Acknowledges everything, or what came up to a position, or whatever has this receipt. */
  acknowledge({ through, receipt = this.receiptFor(through) }: { through?: number; receipt?: number } = {}): void {
    this.receive({ requests: [{ id: 0, kind: { $case: "ack", value: { receipt } } }] });
  }
}

export function helloWith(token: string, hello: Partial<Hello> = {}): Hello {
  return {
    protocolVersion: 1,
    token,
    consumer: "",
    resumeAfter: 0,
    epoch: "",
    callback: undefined,
    client: "test",
    ...hello,
  };
}
