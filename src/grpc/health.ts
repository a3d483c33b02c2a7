import { type sendUnaryData, type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health.ts";

/**
 * The standard health service, for one state of all `services` and of "", the server as a whole.
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export class Health {
  readonly #services: ReadonlySet<string>;
  readonly #watchers = new Set<ServerWritableStream<HealthCheckRequest, HealthCheckResponse>>();
  #status = ServingStatus.SERVING;

  constructor(services: readonly string[]) {
    this.#services = new Set(["", ...services]);
  }

  /** Tells everybody who watches that the server is about to stop, and ends their calls. */
  stop(): void {
    this.#status = ServingStatus.NOT_SERVING;
    for (const call of this.#watchers) {
      call.write({ status: this.#status });
      call.end();
    }
    this.#watchers.clear();
  }

  readonly methods = {
    check: (
      call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
      done: sendUnaryData<HealthCheckResponse>,
    ) => {
      if (this.#services.has(call.request.service)) done(null, { status: this.#status });
      else done({ code: status.NOT_FOUND, details: "This server has no such service." });
    },
    watch: (call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>) => {
      const known = this.#services.has(call.request.service);
      call.write({ status: known ? this.#status : ServingStatus.SERVICE_UNKNOWN });
      this.#watchers.add(call);
      for (const event of ["cancelled", "close", "error"]) call.on(event, () => this.#watchers.delete(call));
    },
  };
}
