import { timingSafeEqual } from "node:crypto";
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
import { createThrowawayCertificate } from "./throwaway_certificate.ts";

/** Metadata by which the server shows the secret of the session. */
export const secretKey = "chatd-secret-bin";

type Take = (frame: ServerFrame) => Promise<void>;

/** The DeliveryService of one client session, on a port that the system chose. Owned by the link, which closes it. */
export class CallbackListener {
  /** For the hello. */
  readonly callback: Callback;
  readonly #server: Server;
  #take: Take | undefined;

  private constructor(server: Server, callback: Callback) {
    this.#server = server;
    this.callback = callback;
  }

  /** Listens at `host`: on that address alone, so that a client of its own machine is not seen from outside. */
  static async open({ host }: { host: string }): Promise<CallbackListener> {
    const certificate = await createThrowawayCertificate();
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const server = new Server({ "grpc.max_concurrent_streams": 4, "grpc.keepalive_time_ms": 10_000 });
    const deliver = (call: ServerUnaryCall<ServerFrame, DeliverResponse>, done: sendUnaryData<DeliverResponse>) => {
      const [shown] = call.metadata.get(secretKey);
      if (!(shown instanceof Uint8Array) || shown.length !== secret.length || !timingSafeEqual(shown, secret)) {
        return done({ code: status.UNAUTHENTICATED, details: "This is not the secret of this session." });
      }
      if (listener.#take === undefined) return done({ code: status.UNAVAILABLE, details: "Nobody takes frames yet." });
      listener.#take(call.request).then(
        () => done(null, {}),
        () => done({ code: status.UNAVAILABLE, details: "The session is over." }),
      );
    };
    server.addService(DeliveryServiceService, { deliver } as UntypedServiceImplementation);
    // Without roots, Deno's server cannot handshake; they are used for client certificates only.
    const tls = ServerCredentials.createSsl(Buffer.from(certificate.pem), [{
      cert_chain: Buffer.from(certificate.pem),
      private_key: Buffer.from(certificate.keyPem),
    }]);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`${host}:0`, tls, (error, port) => error === null ? resolve(port) : reject(error));
    });
    const listener = new CallbackListener(server, { port, certificate: certificate.der, secret });
    return listener;
  }

  /** From now on frames go to `take`; the server's call is answered when it resolves. */
  serve(take: Take): void {
    this.#take = take;
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    this.#server.forceShutdown();
    return closed;
  }
}
