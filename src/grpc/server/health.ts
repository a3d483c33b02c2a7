import { ChatError } from "../../core/chat_error.ts";
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthDefinition,
} from "../../gen/grpc/health/v1/health.ts";
import { decodeStrictly } from "../../wire/strict_reader.ts";
import type { CallHandler, IncomingCall, Method } from "./incoming_call.ts";
import { methodsOf, noMessage, tooManyMessages } from "./methods.ts";

/**
 * The standard health service, with one state for all `services` and for "", the server as a whole.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export class Health {
  readonly methods: [path: string, method: Method][];
  readonly #services: ReadonlySet<string>;
  readonly #watchers = new Set<IncomingCall>();
  #status: ServingStatus;

  constructor(services: readonly string[], { isServing }: { isServing: boolean }) {
    this.#status = isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    this.#services = new Set(["", ...services]);
    this.methods = methodsOf(HealthDefinition, {
      check: { respond: (request) => this.#check(request) },
      watch: { open: (call) => this.#watch(call) },
    });
  }

  /** Tells all watchers that the server is stopping, and ends their calls. */
  stop(): void {
    this.#status = ServingStatus.NOT_SERVING;
    for (const call of this.#watchers) {
      this.#sendStatus(call, this.#status);
      call.end();
    }
    this.#watchers.clear();
  }

  // deno-lint-ignore require-await -- a rejection is the answer to an unknown service
  async #check(request: Uint8Array): Promise<HealthCheckResponse> {
    const { service } = decodeStrictly(HealthCheckRequest, request);
    if (!this.#services.has(service)) throw new ChatError("not_found", "This server has no such service.");
    return { status: this.#status };
  }

  #watch(call: IncomingCall): CallHandler {
    let hasMessage = false;
    return {
      onMessage: (message) => {
        if (hasMessage) return call.end(tooManyMessages);
        hasMessage = true;
        try {
          const { service } = decodeStrictly(HealthCheckRequest, message);
          this.#sendStatus(call, this.#services.has(service) ? this.#status : ServingStatus.SERVICE_UNKNOWN);
          this.#watchers.add(call);
        } catch (error) {
          call.fail(error);
        }
      },
      onHalfClose: () => {
        if (!hasMessage) call.end(noMessage);
      },
      onClose: () => void this.#watchers.delete(call),
    };
  }

  #sendStatus(call: IncomingCall, status: ServingStatus): void {
    call.send(HealthCheckResponse.encode({ status }).finish());
  }
}
