import type { BeginSpan } from "../grpc/server/call_router.ts";
import { isTelemetryOn } from "../host/logging/server_log.ts";
import { version } from "../host/version.ts";

/**
 * The part of a tracer that chatd uses
 * (https://open-telemetry.github.io/opentelemetry-js/interfaces/_opentelemetry_api.Tracer.html).
 */
interface Tracer {
  startSpan(name: string, options: { kind: number; attributes: Record<string, string> }): Span;
}

interface Span {
  setAttribute(name: string, value: number): void;
  setStatus(status: { code: number }): void;
  end(): void;
}

/** SpanKind.SERVER and SpanStatusCode.ERROR of OpenTelemetry. */
const serverKind = 1;
const errorStatus = 2;

/** gRPC statuses that count as server errors (https://opentelemetry.io/docs/specs/semconv/rpc/grpc/). */
const serverFaults: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/**
 * Returns a function that begins a span of Deno's OpenTelemetry for a call; undefined if telemetry is off.
 * @see https://docs.deno.com/runtime/fundamentals/open_telemetry/
 */
export function callSpans(): BeginSpan | undefined {
  if (!isTelemetryOn()) return undefined;
  const tracer: Tracer = Deno.telemetry.tracerProvider.getTracer("chatd", version);
  return (path) => {
    const name = path.slice(1);
    const [service, method] = name.split("/");
    const attributes = { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method };
    const span = tracer.startSpan(name, { kind: serverKind, attributes });
    return (status) => {
      span.setAttribute("rpc.grpc.status_code", status);
      if (serverFaults.has(status)) span.setStatus({ code: errorStatus });
      span.end();
    };
  };
}
