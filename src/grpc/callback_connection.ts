import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { status } from "@grpc/grpc-js";
import { ChatError } from "../core/chat_error.ts";
import { DeliveryServiceService } from "../gen/chatd/v1/delivery_service.ts";
import { type Callback, DeliverResponse } from "../gen/chatd/v1/session.ts";
import type { CallbackChannel } from "../session/callback_delivery.ts";
import { secretKey } from "./callback_listener.ts";
import { throwawayName, toPem } from "./throwaway_certificate.ts";

/** A response is empty: this is room for a prefix and for fields of later versions. */
export const maxResponseBytes = 1024;
const tcpKeepAliveMs = 10_000;

/**
 * gRPC over a TLS socket that is our own (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): a client of
 * grpc-js leaves the socket of a handshake that hangs open until the other side closes it.
 */
export class CallbackConnection implements CallbackChannel {
  readonly #socket: TLSSocket;
  readonly #session: ClientHttp2Session;
  readonly #secret: string;

  private constructor(socket: TLSSocket, session: ClientHttp2Session, secret: string) {
    this.#socket = socket;
    this.#session = session;
    this.#secret = secret;
  }

  /** Connects, and accepts the certificate of `callback` only. Nothing is left open when it rejects. */
  static async open(
    host: string,
    { callback, signal }: { callback: Callback; signal: AbortSignal },
  ): Promise<CallbackConnection> {
    const socket = await handshake(host, { callback, signal });
    const session = connectHttp2(`https://${throwawayName}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: maxResponseBytes },
    });
    const connection = new CallbackConnection(socket, session, Buffer.from(callback.secret).toString("base64"));
    session.on("error", () => connection.close());
    session.on("goaway", () => connection.close());
    return connection;
  }

  deliver(frame: Uint8Array, { signal }: { signal: AbortSignal }): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const fail = (why: string) => reject(new ChatError("unavailable", `A callback failed: ${why}.`));
    if (signal.aborted || this.#session.destroyed) {
      fail("the connection is closed");
      return promise;
    }
    const stream = this.#session.request({
      ":method": "POST",
      ":path": DeliveryServiceService.deliver.path,
      "content-type": "application/grpc",
      te: "trailers",
      [secretKey]: this.#secret,
    });
    const abort = () => {
      fail("it took too long");
      stream.close(constants.NGHTTP2_CANCEL);
    };
    const response: Uint8Array[] = [];
    let bytes = 0;
    let said: unknown;
    stream.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes <= maxResponseBytes) return void response.push(chunk);
      fail("the response is too long");
      stream.close(constants.NGHTTP2_CANCEL);
    });
    // A call that failed at once says its status in its headers.
    stream.on("response", (headers) => said ??= headers["grpc-status"]);
    stream.on("trailers", (headers) => said ??= headers["grpc-status"]);
    stream.on("error", (error) => fail(error.message));
    stream.on("close", () => {
      signal.removeEventListener("abort", abort);
      if (said === String(status.OK)) resolve(receiptIn(Buffer.concat(response)));
      else fail(`the client answered with status ${typeof said === "string" ? said.slice(0, 8) : "none"}`);
    });
    signal.addEventListener("abort", abort, { once: true });
    stream.end(framed(frame));
    return promise;
  }

  close(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }
}

function handshake(
  host: string,
  { callback, signal }: { callback: Callback; signal: AbortSignal },
): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const pinned = parseCertificate(callback.certificate);
  signal.throwIfAborted();
  const socket = connectTls({
    host,
    port: callback.port,
    ALPNProtocols: ["h2"],
    ca: toPem("CERTIFICATE", pinned),
    servername: throwawayName,
    checkServerIdentity: (_host, shown) =>
      pinned.equals(shown.raw) ? undefined : new Error("This is not the certificate that the client named."),
  });
  const fail = (cause: unknown) => {
    socket.destroy();
    reject(new ChatError("unavailable", `Cannot call the client back at ${host} port ${callback.port}.`, { cause }));
  };
  const abort = () => fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("The connection was closed.")));
  socket.setKeepAlive(true, tcpKeepAliveMs);
  socket.once("secureConnect", () => {
    signal.removeEventListener("abort", abort);
    if (socket.authorized && socket.alpnProtocol === "h2") resolve(socket);
    else fail(socket.authorizationError ?? new Error("HTTP/2 is not spoken there."));
  });
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

/** @throws {ChatError} `invalid_argument` when it is not a certificate in DER */
function parseCertificate(der: Uint8Array): Buffer {
  try {
    const { raw } = new X509Certificate(der);
    if (raw.equals(der)) return raw;
  } catch {
    // Said below.
  }
  throw new ChatError("invalid_argument", "The certificate for callbacks is not an X.509 certificate in DER.");
}

/** The receipt in a response with gRPC's prefix; 0 when there is none. */
function receiptIn(response: Uint8Array): number {
  try {
    return DeliverResponse.decode(response.subarray(5)).receipt;
  } catch {
    return 0;
  }
}

/** A message with gRPC's prefix: not compressed, and its length. */
function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + message.length);
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, 5);
  return bytes;
}
