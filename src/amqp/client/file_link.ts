import type { ConfirmChannel, ConsumeMessage } from "amqplib";
import { Backoff } from "../../client/backoff.ts";
import type { FileLink } from "../../client/file_transport.ts";
import { serverError } from "../../client/server_error.ts";
import { ChatError } from "../../core/chat_error.ts";
import { pause } from "../../core/pause.ts";
import {
  BeginUploadRequest,
  BeginUploadResponse,
  ReadChunkRequest,
  ReadChunkResponse,
  UploadChunkRequest,
  UploadChunkResponse,
} from "../../gen/chatd/v1/files.ts";
import { Error as ErrorMessage } from "../../gen/chatd/v1/session.ts";
import { decodeStrictly, type MessageDecoder } from "../../wire/strict_reader.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { noServer, toChannelError } from "../connection/broker_errors.ts";
import { receiptHeader, tokenHeader } from "../incoming.ts";
import { contentTypes, messageTypes } from "../message_types.ts";
import { directReplies, fileExchange, fileQueue } from "../topology.ts";

/** Time for one call, in milliseconds: the last chunk of a large file is answered after the whole file was verified. */
const answerMs = 60_000;
/** Wait before a refused message is published again, in milliseconds. */
const retryMs = { initialMs: 50, maxMs: 2_000 };
/** Receipts that fit into one header. */
const maxReceipts = 15;

export interface AmqpFileLinkOptions {
  /** Closed with the link. */
  readonly connection: BrokerConnection;
  readonly token: string;
  readonly signal: AbortSignal | undefined;
  /** Receipts of chunks that the server was not told of yet, including those of earlier links. */
  readonly receipts: string[];
  /** Returns a more specific error, if the cause can be determined. */
  explain(error: ChatError): Promise<ChatError>;
}

interface Call {
  settle(message: ConsumeMessage): void;
  fail(error: ChatError): void;
}

/** Calls of FileService over one connection to a broker. */
export class AmqpFileLink implements FileLink {
  readonly #options: AmqpFileLinkOptions;
  readonly #calls = new Map<string, Call>();
  readonly #ended = new AbortController();
  readonly #abort = () => void this.close();
  #channel!: ConfirmChannel;
  #closed: Promise<void> | undefined;

  private constructor(options: AmqpFileLinkOptions) {
    this.#options = options;
    options.signal?.addEventListener("abort", this.#abort);
    void options.connection.lost.then((error) => this.#fail(error));
  }

  /** Opens a link. The connection is closed with it, also on failure. @throws {ChatError} */
  static async open(options: AmqpFileLinkOptions): Promise<AmqpFileLink> {
    const { connection, signal } = options;
    const link = new AmqpFileLink(options);
    try {
      link.#channel = await connection.confirmChannel((error) => link.#fail(error));
      link.#channel.on("return", () => link.#fail(noServer()));
      await link.#channel.consume(directReplies, (message) => link.#handleReply(message), { noAck: true });
      if (signal?.aborted) throw transferCancelled();
      return link;
    } catch (error) {
      await link.close();
      throw error instanceof ChatError ? error : toChannelError(error, connection.broker);
    }
  }

  beginUpload: FileLink["beginUpload"] = (request) =>
    this.#call(messageTypes.beginUpload, BeginUploadRequest.encode(request).finish(), {
      type: messageTypes.uploadBegun,
      decoder: BeginUploadResponse,
    });

  uploadChunk: FileLink["uploadChunk"] = (request) =>
    this.#call(messageTypes.uploadChunk, UploadChunkRequest.encode(request).finish(), {
      type: messageTypes.chunkUploaded,
      decoder: UploadChunkResponse,
    });

  readChunk: FileLink["readChunk"] = (request) =>
    this.#call(messageTypes.readChunk, ReadChunkRequest.encode(request).finish(), {
      type: messageTypes.chunkRead,
      decoder: ReadChunkResponse,
    });

  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#fail(transferCancelled());
    await this.#options.connection.close();
  }

  async #call<Response>(
    type: string,
    content: Uint8Array,
    response: { type: string; decoder: MessageDecoder<Response> },
  ): Promise<Response> {
    const id = crypto.randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    promise.catch(() => {});
    if (this.#ended.signal.aborted) reject(this.#ended.signal.reason);
    const timer = setTimeout(
      () => reject(new ChatError("unavailable", "The server did not answer in time.")),
      answerMs,
    );
    this.#calls.set(id, { settle: (message) => resolve(read(message, response)), fail: reject });
    try {
      await Promise.race([this.#publish(type, content, id), promise]);
      return await promise;
    } catch (error) {
      throw error instanceof ChatError ? await this.#options.explain(error) : error;
    } finally {
      clearTimeout(timer);
      this.#calls.delete(id);
    }
  }

  async #publish(type: string, content: Uint8Array, correlationId: string): Promise<void> {
    const { connection, token, receipts } = this.#options;
    const options = {
      replyTo: directReplies,
      correlationId,
      headers: { [tokenHeader]: token, [receiptHeader]: receipts.splice(0, maxReceipts).join(" ") },
      userId: connection.user,
      contentType: contentTypes.protobuf,
      type,
      mandatory: true,
      persistent: false,
    };
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    const backoff = new Backoff(retryMs);
    while (!this.#ended.signal.aborted && !await this.#tryPublish(bytes, options)) {
      await pause(backoff.next(), this.#ended.signal);
    }
  }

  /** Publishes a message. @returns whether the broker accepted it; it refuses while too many requests wait */
  #tryPublish(content: Buffer, options: object): Promise<boolean> {
    const { connection } = this.#options;
    return new Promise((resolve, reject) => {
      try {
        this.#channel.publish(fileExchange, fileQueue, content, options, (error) => {
          // After the link failed, nothing is published again.
          resolve(error === null || !connection.isOpen);
        });
      } catch (error) {
        reject(toChannelError(error, connection.broker));
      }
    });
  }

  #handleReply(message: ConsumeMessage | null): void {
    if (message === null) return this.#fail(new ChatError("unavailable", "The broker closed the connection."));
    const receipt: unknown = message.properties.headers?.[receiptHeader];
    if (typeof receipt === "string") this.#options.receipts.push(receipt);
    try {
      this.#calls.get(message.properties.correlationId)?.settle(message);
    } catch (error) {
      const known = error instanceof ChatError ? error : new ChatError("internal", String(error), { cause: error });
      this.#calls.get(message.properties.correlationId)?.fail(known);
    }
  }

  #fail(error: ChatError): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort(error);
    for (const call of [...this.#calls.values()]) call.fail(error);
  }
}

function read<Response>(
  { properties, content }: ConsumeMessage,
  { type, decoder }: { type: string; decoder: MessageDecoder<Response> },
): Response {
  if (properties.type === type) return decodeStrictly(decoder, content);
  throw serverError(properties.type === messageTypes.error ? decodeStrictly(ErrorMessage, content) : undefined);
}

function transferCancelled(): ChatError {
  return new ChatError("unavailable", "The transfer was cancelled.");
}
