import { timingSafeEqual } from "node:crypto";
import { type AddressInfo, createServer, type Server as Listener } from "node:net";
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { DeliveryServiceService } from "../gen/chatd/v1/delivery_service.ts";
import type { Callback, DeliverResponse, ServerFrame } from "../gen/chatd/v1/session.ts";
import { maxFrameBytes } from "../wire/limits.ts";
import { ConnectionGuard, type ConnectionGuardOptions } from "./connection_guard.ts";
import { toStatus } from "./status.ts";
import { createThrowawayCertificate } from "./throwaway_certificate.ts";

/** Metadata by which the server shows the secret of the session. */
export const secretKey = "chatd-secret-bin";

/** Whoever does not show the secret, the server included, has 4 connections of an address, and 16 in all, for 5 s. */
export const strangerLimits = { logInDeadlineMs: 5_000, maxStrangersPerAddress: 4, maxStrangers: 16, maxPerUser: 4 };

type Take = (frame: ServerFrame) => Promise<void>;

/** The DeliveryService of one client session, on a port that the system chose. Owned by the link, which closes it. */
export class CallbackListener {
  /** For the hello. */
  readonly callback: Callback;
  readonly #server: Server;
  readonly #listener: Listener;
  readonly #guard: ConnectionGuard;
  #take: Take | undefined;

  private constructor(
    { server, listener, guard, callback }: {
      server: Server;
      listener: Listener;
      guard: ConnectionGuard;
      callback: Callback;
    },
  ) {
    this.#server = server;
    this.#listener = listener;
    this.#guard = guard;
    this.callback = callback;
  }

  /**
   * Listens at `host`: on that address alone, so that a client of its own machine is not seen from outside. On "::" it is
   * seen by everybody who reaches this machine: what they can hold without the secret is bounded, and soon closed.
   */
  static async open(
    { host, limits = strangerLimits }: { host: string; /** For tests. */ limits?: ConnectionGuardOptions },
  ): Promise<CallbackListener> {
    const certificate = await createThrowawayCertificate();
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const guard = new ConnectionGuard(limits);
    const server = new Server({
      "grpc.max_receive_message_length": maxFrameBytes,
      "grpc.max_concurrent_streams": 4,
      "grpc.keepalive_time_ms": 10_000,
      "grpc.keepalive_timeout_ms": 10_000,
    });
    const deliver = (call: ServerUnaryCall<ServerFrame, DeliverResponse>, done: sendUnaryData<DeliverResponse>) => {
      const [shown] = call.metadata.get(secretKey);
      if (!(shown instanceof Uint8Array) || shown.length !== secret.length || !timingSafeEqual(shown, secret)) {
        return done({ code: status.UNAUTHENTICATED, details: "This is not the secret of this session." });
      }
      try {
        guard.loggedIn(call.getPeer(), "server");
      } catch (error) {
        return done(toStatus(error));
      }
      if (opened.#take === undefined) return done({ code: status.UNAVAILABLE, details: "Nobody takes frames yet." });
      const { receipt, ...frame } = call.request;
      // The response acknowledges the frame, so who takes it has nothing to acknowledge.
      opened.#take({ ...frame, receipt: 0 }).then(
        () => done(null, { receipt }),
        () => done({ code: status.UNAVAILABLE, details: "The session is over." }),
      );
    };
    server.addService(DeliveryServiceService, { deliver } as UntypedServiceImplementation);
    // Without roots, Deno's server cannot handshake; they are used for client certificates only.
    const tls = ServerCredentials.createSsl(Buffer.from(certificate.pem), [{
      cert_chain: Buffer.from(certificate.pem),
      private_key: Buffer.from(certificate.keyPem),
    }]);
    const injector = server.createConnectionInjector(tls);
    const listener = createServer({ noDelay: true }, (socket) => {
      if (guard.admit(socket)) injector.injectConnection(socket);
    });
    const port = await new Promise<number>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen(0, host, () => resolve((listener.address() as AddressInfo).port));
    });
    const callback = { port, certificate: certificate.der, secret };
    const opened = new CallbackListener({ server, listener, guard, callback });
    return opened;
  }

  /** From now on frames go to `take`; the server's call is answered when it resolves. */
  serve(take: Take): void {
    this.#take = take;
  }

  async close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    this.#server.forceShutdown();
    this.#guard.closeAll();
    await Promise.all([stopped, drained, this.#guard.empty()]);
  }
}
