import { timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { type Callback, DeliverResponse, ServerFrame } from "../gen/chatd/v1/session.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { deliverPath, secretKey } from "./callback_protocol.ts";
import { type CallerLimits, CallerSockets } from "./caller_sockets.ts";
import { binaryValueOf } from "./http2/call_metadata.ts";
import type { Http2Connection } from "./http2/connection.ts";
import type { ConnectionLimits } from "./http2/connection_limits.ts";
import type { HeaderList } from "./http2/header_rules.ts";
import { ServerCall } from "./http2/server_call.ts";
import { connectOver } from "./http2/socket_transport.ts";
import { createThrowawayCertificate } from "./throwaway_certificate.ts";

/** A caller that has not shown the secret, the server included, has 4 connections of an address, and 16 in all, for 5 s. */
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

const defer = (callback: () => void) => void setImmediate(callback);

/** Status codes of gRPC. */
const Status = { invalidArgument: 3, resourceExhausted: 8, unimplemented: 12, unavailable: 14, unauthenticated: 16 };

type Take = (frame: ServerFrame) => Promise<void>;

export interface CallbackListenerOptions {
  readonly host: string;
  /** For tests. */
  readonly limits?: CallerLimits;
  /** Code of this program threw: the connection is closed, and the server takes the stream. */
  onFault?(error: unknown): void;
}

/** The DeliveryService of one client session, on a port that the system chose. Owned by the link, which closes it. */
export class CallbackListener {
  /** For the hello. */
  readonly callback: Callback;
  readonly #listener: Server;
  readonly #sockets: CallerSockets;
  readonly #secureContext: SecureContext;
  readonly #onFault: (error: unknown) => void;
  #take: Take | undefined;

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
   * Listens at `host`: on that address alone, so that a client of its own machine is not seen from outside. On "::" it is
   * seen by everybody who reaches this machine: what they can hold without the secret is bounded, and soon closed.
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

  /** From now on frames go to `take`; the server's call is answered when it resolves. */
  serve(take: Take): void {
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
    const drop = () => void socket.destroy();
    secured.on("error", drop);
    secured.once("close", drop);
    // Before the handshake, a side that is closed means that the caller left.
    secured.once("end", drop);
    socket.once("close", () => secured.destroy());
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
      defer,
      onFault: this.#onFault,
      onRequest: (stream, request) => {
        const call = new ServerCall(stream, request, { maxMessageBytes: maxFrameBytes });
        const refusal = this.#refusal(request, socket);
        if (refusal === undefined) return this.#answer(call);
        // Before its message came. Whoever has not the secret has no second try, and cannot keep this machine busy.
        call.end(refusal);
        defer(() => connection.close());
      },
    });
  }

  /** Decides whether the server calls. @returns why the call is refused; undefined when it is taken. */
  #refusal(request: HeaderList, socket: Socket): { code: number; details: string } | undefined {
    const shown = binaryValueOf(request, secretKey);
    const { secret } = this.callback;
    if (shown === undefined || shown.length !== secret.length || !timingSafeEqual(shown, secret)) {
      return { code: Status.unauthenticated, details: "This is not the secret of this session." };
    }
    if (this.#sockets.trust(socket)) return undefined;
    return { code: Status.resourceExhausted, details: "The session has as many connections as it takes." };
  }

  #answer(call: ServerCall): void {
    if (call.path !== deliverPath) {
      return call.end({ code: Status.unimplemented, details: "A client has the one method by which it is called." });
    }
    let frame: ServerFrame | undefined;
    call.begin({
      onMessage: (bytes) => {
        // Decoded frames keep parts of their bytes.
        frame = frame === undefined ? decode(bytes.slice()) : undefined;
        if (frame === undefined) call.end({ code: Status.invalidArgument, details: "The request is not one frame." });
      },
      onHalfClose: () => {
        if (frame === undefined) call.end({ code: Status.invalidArgument, details: "The request has no frame." });
        else void this.#deliver(frame, call);
      },
      onClose: () => {},
    });
  }

  async #deliver({ receipt, ...frame }: ServerFrame, call: ServerCall): Promise<void> {
    if (this.#take === undefined) {
      return call.end({ code: Status.unavailable, details: "The session takes no frames yet." });
    }
    try {
      // The response acknowledges the frame, so who takes it has nothing to acknowledge.
      await this.#take({ ...frame, receipt: 0 });
    } catch {
      return call.end({ code: Status.unavailable, details: "The session is over." });
    }
    call.send(DeliverResponse.encode({ receipt }).finish());
    call.end();
  }
}

/** @returns undefined when the bytes are no frame. */
function decode(bytes: Uint8Array): ServerFrame | undefined {
  try {
    return ServerFrame.decode(bytes);
  } catch {
    return undefined;
  }
}
