import assert from "node:assert/strict";
import type { Link, Transport } from "../../../src/client/transport.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { ClientFrame, Hello, HelloResponse } from "../../../src/gen/chatd/v1/session.ts";
import type { Question, ReplyResult, ReplyValues, RequestKind, RequestValues } from "./received_frames.ts";
import { ReceivedFrames } from "./received_frames.ts";
import { helloWith } from "./test_session.ts";
import { until } from "../waiting/turns.ts";
import { sendRequest } from "./wire_values.ts";

/** A client at the end of a link, which does only what a test asks for: it acknowledges nothing by itself. */
export class LinkClient extends ReceivedFrames {
  readonly link: Link;
  /** How the frames ended; undefined while they come. */
  ended: { error: ChatError | undefined } | undefined;
  #lastId = 0;
  #reading = Promise.withResolvers<void>();

  private constructor(link: Link) {
    super();
    this.link = link;
    this.#reading.resolve();
    void this.#read();
  }

  /** A link without a hello. */
  static async connect(transport: Transport): Promise<LinkClient> {
    return new LinkClient(await transport.connect({}));
  }

  static async open(transport: Transport, token: string, hello: Partial<Hello> = {}): Promise<LinkClient> {
    const client = await LinkClient.connect(transport);
    await client.hello(token, hello);
    return client;
  }

  async hello(token: string, hello: Partial<Hello> = {}): Promise<HelloResponse> {
    return await this.ask("hello", helloWith(token, { callback: this.link.callback, ...hello }));
  }

  /** Takes no frame until {@link resume}. */
  pause(): void {
    this.#reading = Promise.withResolvers();
  }

  resume(): void {
    this.#reading.resolve();
  }

  /** Sends requests in one frame. @returns their ids. */
  request(...kinds: RequestKind[]): number[] {
    const requests = kinds.map((kind) => ({ id: ++this.#lastId, kind }));
    this.link.send({ requests } satisfies ClientFrame);
    return requests.map(({ id }) => id);
  }

  async ask<Name extends Question>(name: Name, value: RequestValues[Name]): Promise<ReplyValues[Name]> {
    const result = await this.reply(this.request({ $case: name, value } as RequestKind)[0]);
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
      what: `the reply to request ${id}; ended: ${this.ended?.error}`,
    });
    return reply.result!;
  }

  async send(to: string, text = "hello", id = createMessageId()): Promise<ReplyValues["send"]> {
    return await this.ask("send", sendRequest({ to, text, id }));
  }

  /** Acknowledges everything, or whatever has this receipt. */
  acknowledge(receipt = this.receiptFor()): void {
    this.link.send({ requests: [{ id: 0, kind: { $case: "ack", value: { receipt } } }] });
  }

  /** Resolves with the texts that came, when there are so many. */
  async received(count: number): Promise<string[]> {
    await until(() => this.messages.length >= count, { what: `${count} messages, of which came: ${this.texts}` });
    return this.texts;
  }

  /** Resolves when the frames ended, with the code that said why. */
  async end(options: { deadlineMs?: number } = {}): Promise<string | undefined> {
    const { error } = await until(() => this.ended, { what: "the end of the session", ...options });
    return error?.code;
  }

  close(): Promise<void> {
    this.resume();
    return this.link.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of this.link.frames) {
        await this.#reading.promise;
        this.frames.push(frame);
      }
      this.ended = { error: undefined };
    } catch (error) {
      assert.ok(error instanceof ChatError, `a link fails with a ChatError, not ${error}`);
      this.ended = { error };
    }
  }
}
