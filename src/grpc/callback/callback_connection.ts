import { Buffer } from "node:buffer";
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { ChatError } from "../../core/chat_error.ts";
import { DeliverResponse } from "../../gen/chatd/v1/session.ts";
import type { CallbackChannel } from "../../session/callback_delivery.ts";
import { callUnary } from "../http2/client_call.ts";
import type { Http2Connection } from "../http2/connection.ts";
import type { ConnectionLimits } from "../http2/connection_limits.ts";
import { connectOver } from "../http2/socket_transport.ts";
import { deliverPath, listenerName, secretKey } from "./callback_protocol.ts";
import { connectPinned } from "./pinned_tls.ts";

/** Largest response: a receipt, and room for fields of later versions. */
export const maxResponseBytes = 1024;

/** The smallest possible limits: one small response is expected at a time. */
const limits: ConnectionLimits = {
  maxStreams: 1,
  streamWindow: 65_535,
  connectionWindow: 65_535,
  maxHeaderListBytes: 4_096,
};

export interface CallbackConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** The only certificate that is accepted. */
  readonly certificate: X509Certificate;
  /** Sent inside TLS only. */
  readonly secret: Uint8Array;
  /** Aborts the attempt to connect. */
  readonly signal: AbortSignal;
  /** Called when code of this program threw; the connection is closed. */
  onFault(error: unknown): void;
}

/** A server's connection to the DeliveryService of a client, which may be hostile. */
export class CallbackConnection implements CallbackChannel {
  readonly #socket: TLSSocket;
  readonly #connection: Http2Connection;
  readonly #secret: string;

  private constructor(socket: TLSSocket, { secret, onFault }: CallbackConnectionOptions) {
    this.#socket = socket;
    this.#secret = Buffer.from(secret).toString("base64");
    this.#connection = connectOver(socket, {
      role: "client",
      limits,
      onFault,
      // At once, to cut off a client that continues to send.
      onClosed: () => socket.destroy(),
    });
  }

  /** Connects. Leaves nothing open when it rejects. */
  static async open(options: CallbackConnectionOptions): Promise<CallbackConnection> {
    return new CallbackConnection(await connectPinned(options), options);
  }

  /** Delivers a frame. @returns the receipt of the frame @throws {ChatError} `unavailable` */
  async deliver(frame: Uint8Array, { signal }: { signal: AbortSignal }): Promise<number> {
    try {
      const response = await callUnary(this.#connection, {
        path: deliverPath,
        scheme: "https",
        authority: listenerName,
        metadata: [[secretKey, this.#secret]],
        message: frame,
        maxResponseBytes,
        signal,
      });
      return DeliverResponse.decode(response).receipt;
    } catch (cause) {
      throw new ChatError("unavailable", "A callback failed.", { cause });
    }
  }

  close(): void {
    this.#connection.close();
    this.#socket.destroy();
  }
}
