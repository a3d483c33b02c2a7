import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/** Fields that grpc-js keeps to itself. */
interface ServerFields {
  readonly handlers: ReadonlyMap<string, unknown>;
  readonly http2Servers: ReadonlyMap<Http2Server, unknown>;
}

/**
 * Tells of each call that grpc-js refuses before any interceptor: of an unknown method, or of a content type that is not
 * one of gRPC. To be called after the server's connection injector was made.
 * @param onRefused is called before the refusal, with the name that grpc-js gives to the peer
 */
export function watchRefusedByLibrary(server: Server, onRefused: (peer: string) => void): void {
  const { handlers, http2Servers } = server as unknown as ServerFields;
  for (const http2Server of http2Servers.keys()) {
    http2Server.prependListener("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const isGrpc = headers["content-type"]?.startsWith("application/grpc");
      if (isGrpc && handlers.has(headers[":path"] ?? "")) return;
      const socket = stream.session?.socket;
      if (socket !== undefined) onRefused(`${socket.remoteAddress}:${socket.remotePort}`);
    });
  }
}
