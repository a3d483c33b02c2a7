import type { ConsumeMessage } from "amqplib";
import { Backoff } from "../../client/backoff.ts";
import { serverError } from "../../client/server_error.ts";
import { ChatError } from "../../core/chat_error.ts";
import { Error as ErrorMessage } from "../../gen/chatd/v1/session.ts";
import { decodeStrictly, type MessageDecoder } from "../../wire/strict_reader.ts";
import type { BrokerConnection } from "../connection/broker_connection.ts";
import { noServer, toChannelError } from "../connection/broker_errors.ts";
import { contentTypes, messageTypes } from "../message_types.ts";
import { directReplies } from "../topology.ts";

/** Time for the answer, in milliseconds; it may wait in the queue for password checks. */
const answerMs = 30_000;
/** Attempts to publish a message that the broker refuses because its queue is full. */
const maxAttempts = 5;
const retryMs = { initialMs: 200, maxMs: 2_000 };

export interface BrokerCall<Response> {
  /** Name of both the exchange and the queue. */
  readonly queue: string;
  /** The message type of `content`. */
  readonly type: string;
  readonly content: Uint8Array;
  readonly response: { readonly type: string; readonly decoder: MessageDecoder<Response> };
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes one request and waits for the answer.
 * @throws {ChatError} the error that the server returned; `unavailable`, `busy`
 */
export async function callServer<Response>(
  connection: BrokerConnection,
  { queue, type, content, response, signal }: BrokerCall<Response>,
): Promise<Response> {
  const answered = Promise.withResolvers<ConsumeMessage>();
  const fail = (error: ChatError) => answered.reject(error);
  answered.promise.catch(() => {});
  const timer = setTimeout(() => fail(new ChatError("unavailable", "The server did not answer in time.")), answerMs);
  const abort = () => fail(new ChatError("unavailable", "The call was cancelled."));
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  void connection.lost.then(fail);
  try {
    const channel = await connection.confirmChannel(fail);
    channel.on("return", () => fail(noServer()));
    await channel.consume(directReplies, (message) => message && answered.resolve(message), { noAck: true });
    const options = {
      replyTo: directReplies,
      userId: connection.user,
      contentType: contentTypes.protobuf,
      type,
      mandatory: true,
      persistent: false,
    };
    const tryPublish = () =>
      new Promise<boolean>((resolve) => {
        channel.publish(queue, queue, Buffer.from(content), options, (error) => resolve(error === null));
      });
    const backoff = new Backoff(retryMs);
    for (let left = maxAttempts; !await tryPublish(); left--) {
      if (left <= 1) {
        fail(new ChatError("busy", "Too many requests are waiting for the server. Try again in a moment."));
      }
      const pause = new Promise<void>((resolve) => setTimeout(resolve, backoff.next()));
      await Promise.race([pause.then(() => undefined), answered.promise]);
    }
    const { properties, content: bytes } = await answered.promise;
    if (properties.type === response.type) return decodeStrictly(response.decoder, bytes);
    throw serverError(properties.type === messageTypes.error ? decodeStrictly(ErrorMessage, bytes) : undefined);
  } catch (error) {
    throw error instanceof ChatError ? error : toChannelError(error, connection.broker);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
