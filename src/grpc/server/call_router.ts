import { GrpcStatus } from "../http2/grpc_status.ts";
import type { HeaderList } from "../http2/header_rules.ts";
import { ServerCall } from "../http2/server_call.ts";
import type { Http2Stream } from "../http2/stream.ts";
import type { ClientConnection } from "./client_connection.ts";
import { IncomingCall, type MethodTable } from "./incoming_call.ts";
import type { OpenCalls } from "./open_calls.ts";
import type { StrangerCalls } from "./stranger_calls.ts";

/** Begins a span for a call of a known method. @returns a function that ends it with the status of the call */
export type BeginSpan = (path: string) => (status: number) => void;

export interface CallRouterOptions {
  readonly methods: MethodTable;
  readonly openCalls: OpenCalls;
  readonly strangers: StrangerCalls;
  /** Largest message, in octets. */
  readonly maxMessageBytes: number;
  /** Called when a call was admitted; its message may still be under way. */
  onCall(call: IncomingCall): void;
  readonly beginSpan?: BeginSpan;
}

/** Passes each request to its method, within the limits of its connection. */
export class CallRouter {
  readonly #options: CallRouterOptions;
  readonly #onClosed = (call: IncomingCall): void => {
    const { openCalls, strangers } = this.#options;
    openCalls.delete(call);
    strangers.charge(call);
    call.endSpan?.(call.status);
  };

  constructor(options: CallRouterOptions) {
    this.#options = options;
  }

  /** Routes a request that began on a stream of a connection. */
  route(connection: ClientConnection, { stream, request }: { stream: Http2Stream; request: HeaderList }): void {
    const { methods, openCalls, strangers, maxMessageBytes, onCall, beginSpan } = this.#options;
    const serverCall = new ServerCall(stream, request, { maxMessageBytes });
    if (!strangers.mayCall(connection)) return;
    const call = new IncomingCall(serverCall, { connection, onClosed: this.#onClosed });
    if (!serverCall.begin(call)) return;
    try {
      openCalls.add(call);
      strangers.admit(call);
    } catch (error) {
      return call.fail(error);
    }
    const method = methods.get(call.path);
    if (method === undefined) {
      return call.end({ code: GrpcStatus.unimplemented, details: "The server has no such method." });
    }
    call.endSpan = beginSpan?.(call.path);
    onCall(call);
    call.answerWith(method);
  }
}
