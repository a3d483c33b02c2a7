import type { Chat } from "../../core/chat.ts";
import { ChatError } from "../../core/chat_error.ts";
import {
  BeginUploadRequest,
  BeginUploadResponse,
  ReadChunkRequest,
  ReadChunkResponse,
  UploadChunkRequest,
  UploadChunkResponse,
} from "../../gen/chatd/v1/files.ts";
import { fileHandlers } from "../../session/file_handlers.ts";
import type { RequestContext } from "../../session/request_types.ts";
import type { MessageDecoder } from "../../wire/strict_reader.ts";
import { type Incoming, receiptHeader, type ReplyAddress } from "../incoming.ts";
import { messageTypes, type PayloadFormat } from "../message_types.ts";
import { decodePayload, encodePayload } from "../payload.ts";
import type { DirectReplies, DirectReply } from "./direct_replies.ts";
import type { Outgoing } from "./publisher.ts";
import { UnreadChunks } from "./unread_chunks.ts";
import { type UploadProgress, UploadReplies } from "./upload_replies.ts";

/** Bytes of a chunk that is read as JSON, which takes four characters for three bytes. */
const maxJsonChunkBytes = 32 * 1024;

export interface FileRequestsOptions {
  readonly chat: Chat;
  readonly replies: DirectReplies;
  /** Broker users are not chatd accounts: only tokens identify a user. */
  readonly sharedLogin: boolean;
}

interface Answer {
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Set in the answer to a chunk of an upload. */
  readonly progress?: UploadProgress;
}

type Handler = (context: RequestContext, content: Uint8Array, format: PayloadFormat) => Promise<Answer>;

const handlers: Readonly<Record<string, Handler>> = {
  [messageTypes.beginUpload]: async (context, content, format) => ({
    type: messageTypes.uploadBegun,
    bytes: BeginUploadResponse.encode(
      await fileHandlers.beginUpload(
        context,
        decode(BeginUploadRequest, messageTypes.beginUpload, { content, format }),
      ),
    ).finish(),
  }),
  [messageTypes.uploadChunk]: async (context, content, format) => {
    const chunk = decode(UploadChunkRequest, messageTypes.uploadChunk, { content, format });
    const response = await fileHandlers.uploadChunk(context, chunk);
    return {
      type: messageTypes.chunkUploaded,
      bytes: UploadChunkResponse.encode(response).finish(),
      progress: { id: chunk.id, length: chunk.bytes.length, offset: response.offset },
    };
  },
  [messageTypes.readChunk]: async (context, content, format) => ({
    type: messageTypes.chunkRead,
    bytes: ReadChunkResponse.encode(
      await fileHandlers.readChunk(
        context,
        decode(ReadChunkRequest, messageTypes.readChunk, { content, format }),
        format === "json" ? { maxBytes: maxJsonChunkBytes } : {},
      ),
    ).finish(),
  }),
};

/** Serves FileService over a broker: each request carries the caller's token, and is answered by a direct reply. */
export class FileRequests {
  readonly #options: FileRequestsOptions;
  readonly #unread = new UnreadChunks();
  readonly #uploads = new UploadReplies();

  constructor(options: FileRequestsOptions) {
    this.#options = options;
  }

  /**
   * Answers a request. Resolves when the broker has the answer, so that chunks do not accumulate here.
   * @throws {ChatError}
   */
  async answer(incoming: Incoming, address: ReplyAddress): Promise<void> {
    const { type, content, format } = incoming;
    const identity = await this.#authenticate(incoming);
    const { user } = identity;
    this.#unread.acknowledge(user, incoming.receipts.split(" "));
    if (!Object.hasOwn(handlers, type)) {
      throw new ChatError(
        "invalid_argument",
        `This queue accepts only messages of the types ${Object.keys(handlers).join(", ")}.`,
      );
    }
    const isReading = type === messageTypes.readChunk;
    const receipt = isReading ? this.#unread.issueReceipt(user, performance.now()) : undefined;
    let answered = false;
    try {
      const answer = await handlers[type]({ chat: this.#options.chat, identity }, content, format);
      answered = true;
      const headers: Record<string, string> = receipt === undefined ? {} : { [receiptHeader]: receipt };
      const isPaid = answer.progress !== undefined && this.#uploads.isPaid(user, answer.progress);
      await this.#reply(answer, { sender: incoming.user, address, headers, isBounded: isReading || isPaid });
    } finally {
      if (!answered && receipt !== undefined) this.#unread.acknowledge(user, [receipt]);
    }
  }

  async #authenticate({ token, user }: Incoming) {
    if (token === undefined) {
      throw new ChatError("unauthenticated", 'This message needs the header "chatd-token": log in first.');
    }
    const identity = await this.#options.chat.accounts.authenticate(token);
    if (this.#options.sharedLogin || identity.user === user) return identity;
    throw new ChatError("unauthenticated", `This token does not belong to "${user}". Log in again.`);
  }

  async #reply({ type, bytes }: Answer, reply: Omit<DirectReply, "message">): Promise<void> {
    const { replyTo, format } = reply.address;
    if (replyTo === undefined) return;
    const message: Outgoing = { type, format, content: encodePayload(bytes, { name: type, format }) };
    await new Promise<void>((resolve) => {
      this.#options.replies.send({ ...reply, message, onSent: resolve, onDropped: resolve });
    });
  }
}

function decode<T>(
  decoder: MessageDecoder<T>,
  name: string,
  { content, format }: { content: Uint8Array; format: PayloadFormat },
): T {
  return decodePayload(content, { decoder, name, format });
}
