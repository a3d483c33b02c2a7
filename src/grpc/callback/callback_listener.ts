import { timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Callback } from "../../gen/chatd/v1/session.ts";
import { maxFrameBytes } from "../../wire/limits.ts";
import { binaryValueOf } from "../http2/call_metadata.ts";
import type { Http2Connection } from "../http2/connection.ts";
import type { ConnectionLimits } from "../http2/connection_limits.ts";
import { GrpcStatus } from "../http2/grpc_status.ts";
import type { HeaderList } from "../http2/header_rules.ts";
import { ServerCall } from "../http2/server_call.ts";
import { connectOver } from "../http2/socket_transport.ts";
import { secretKey } from "./callback_protocol.ts";
import { type CallerLimits, CallerSockets } from "./caller_sockets.ts";
import { answerDeliver, type TakeFrame } from "./deliver_call.ts";
import { createThrowawayCertificate } from "./throwaway_certificate.ts";

/**
 * Limits for callers that have not sent the secret, the server included: 4 connections per address, 16 in all, 5 s
 * each.
 */
export const strangerLimits: CallerLimits = {
  secretDeadlineMs: 5_000,
  strangersPerAddress: 4,
  strangers: 16,
  trusted: 4,
};

/** A window has room for two frames, of which one can be incomplete and unreleased. */
const windowBytes = 2 * (maxFrameBytes + 5);

const limits: ConnectionLimits = {
  maxStreams: 4,
  streamWindow: windowBytes,
  connectionWindow: windowBytes,
  maxHeaderListBytes: 4_096,
};

export interface CallbackListenerOptions {
  readonly host: string;
  /** Overridden by tests. */
  readonly limits?: CallerLimits;
  /** Called when code of this program threw; the connection is closed, and the server falls back to the stream. */
  onFault?(error: unknown): void;
}

/** The DeliveryService of one client session, on a port that the system chose. Closed by the link that owns it. */
export class CallbackListener {
  /** The callback to announce in the hello. */
  readonly callback: Callback;
  readonly #listener: Server;
  readonly #sockets: CallerSockets;
  readonly #secureContext: SecureContext;
  readonly #onFault: (error: unknown) => void;
  #take: TakeFrame | undefined;

  private constructor(
    { callback, listener, secureContext, options }: {
      callback: Callback;
      listener: Server;
      secureContext: SecureContext;
      options: CallbackListenerOptions;
    },
  ) {
    this.callback = callback;
    this.#listener = listener;
    this.#secureContext = secureContext;
    this.#sockets = new CallerSockets(options.limits ?? strangerLimits);
    this.#onFault = options.onFault ?? (() => {});
    listener.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * Listens at `host` only, which keeps a client on its server's machine unreachable from outside. On "::" it is
   * reachable by everyone who can reach this machine; connections without the secret are bounded and soon closed.
   */
  static async open(options: CallbackListenerOptions): Promise<CallbackListener> {
    const certificate = await createThrowawayCertificate();
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const listener = createServer({ noDelay: true, allowHalfOpen: true });
    const port = await new Promise<number>((resolve, reject) => {
      listener.on("error", reject);
      listener.listen(0, options.host, () => resolve((listener.address() as AddressInfo).port));
    });
    return new CallbackListener({
      callback: { port, certificate: certificate.der, secret },
      listener,
      secureContext: createSecureContext({ cert: certificate.pem, key: certificate.keyPem }),
      options,
    });
  }

  /** Passes frames to `take` from now on, and answers each call when `take` resolves. */
  serve(take: TakeFrame): void {
    this.#take = take;
  }

  async close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    await Promise.all([stopped, this.#sockets.close()]);
  }

  #accept(socket: Socket): void {
    if (!this.#sockets.admit(socket)) return;
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#secureContext,
      ALPNProtocols: ["h2"],
    });
    this.#sockets.secure(socket, secured);
    const drop = () => void secured.destroy();
    secured.on("error", drop);
    // Before the handshake, a half-closed connection means that the caller left.
    secured.once("end", drop);
    secured.once("secure", () => {
      secured.off("end", drop);
      if (secured.alpnProtocol === "h2") this.#serve(secured, socket);
      else drop();
    });
  }

  #serve(secured: TLSSocket, socket: Socket): void {
    const connection: Http2Connection = connectOver(secured, {
      role: "server",
      limits,
      onFault: this.#onFault,
      onRequest: (stream, request) => {
        const call = new ServerCall(stream, request, { maxMessageBytes: maxFrameBytes });
        const refusal = this.#refusal(request, socket);
        if (refusal === undefined) return answerDeliver(call, this.#take);
        // Before the message arrives. A caller without the secret has one attempt, which bounds the load on this
        // machine.
        call.end(refusal);
        setImmediate(() => connection.close());
      },
    });
  }

  /** Returns the reason to refuse a call; undefined for a call by the session's server. */
  #refusal(request: HeaderList, socket: Socket): { code: number; details: string } | undefined {
    const shown = binaryValueOf(request, secretKey);
    const { secret } = this.callback;
    if (shown === undefined || shown.length !== secret.length || !timingSafeEqual(shown, secret)) {
      return { code: GrpcStatus.unauthenticated, details: "This is not the secret of this session." };
    }
    if (this.#sockets.trust(socket)) return undefined;
    return { code: GrpcStatus.resourceExhausted, details: "The session has too many connections." };
  }
}
