// deno-lint-ignore-file no-explicit-any
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Http2Connection } from "./http2/connection.ts";
import { ServerCall } from "./http2/server_call.ts";
import { connectOver } from "./http2/socket_transport.ts";

/** A trial: handlers that were written for grpc-js, over our own HTTP/2. */
export function trialServer(tls: any, defer: (callback: () => void) => void) {
  const routes = new Map<string, { def: any; handler: any }>();
  const connections = new Set<Http2Connection>();
  const maxMessageBytes = 65_536;
  const window = 2 * (maxMessageBytes + 5);
  const serve = (socket: Socket) => {
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const connection = connectOver(socket, {
      role: "server",
      limits: { maxStreams: 32, streamWindow: window, connectionWindow: window * 32, maxHeaderListBytes: 16_384 },
      defer,
      onFault: (error) => console.error("fault", error),
      onClosed: () => connections.delete(connection),
      onRequest: (stream, request) => {
        const call = new ServerCall(stream, request, { maxMessageBytes });
        const route = routes.get(call.path);
        if (route === undefined) {
          call.begin({ onMessage() {}, onHalfClose() {}, onClose() {} });
          return call.end({ code: 12, details: "unknown method" });
        }
        dispatch(call, route, peer);
      },
    });
    connections.add(connection);
  };
  const tlsServer = tls && createTlsServer({
    cert: Buffer.from(tls.certificate), key: Buffer.from(tls.key), ca: tls.clientCa && Buffer.from(tls.clientCa),
    requestCert: tls.clientCa !== undefined, rejectUnauthorized: tls.clientCa !== undefined,
    allowHalfOpen: true, ALPNProtocols: ["h2"], handshakeTimeout: -1,
  } as any, (socket) => { (socket as any).allowHalfOpen = true; serve(socket as any); });
  tlsServer?.on("tlsClientError", () => {});
  return {
    addService(definition: any, implementation: any) {
      for (const [name, def] of Object.entries<any>(definition)) {
        routes.set(def.path, { def, handler: implementation[name] ?? implementation[def.originalName] });
      }
    },
    injectConnection: (socket: Socket) => { if (!tlsServer) return serve(socket); (socket as any).allowHalfOpen = false; tlsServer.emit("connection", socket); },
    drain: () => connections.forEach((each) => each.drain()),
    closeAll: () => connections.forEach((each) => each.close()),
  };
}

function dispatch(call: ServerCall, { def, handler }: any, peer: string): void {
  const metadata = { get: (name: string) => (call.metadata(name) === undefined ? [] : [call.metadata(name)]) };
  const shaped: any = Object.assign(new EventEmitter(), { metadata, getPeer: () => peer, getPath: () => call.path, cancelled: false });
  const finish = (status: any) => call.end({ code: status.code, details: status.details, metadata: Object.entries<any>(status.metadata?.getMap() ?? {}) });
  shaped.write = (message: any, done?: () => void) => { call.send(def.responseSerialize(message)); done && setImmediate(done); };
  shaped.end = () => call.end();
  shaped.on("error", (status: any) => status.code !== undefined && finish(status));
  const unary = !def.requestStream && !def.responseStream;
  call.begin({
    onMessage: (bytes) => {
      const message = def.requestDeserialize(Buffer.from(bytes));
      if (def.requestStream) return void shaped.emit("data", message);
      shaped.request = message;
    },
    onHalfClose: () => {
      if (def.requestStream) return void shaped.emit("end");
      if (unary) return handler(shaped, (error: any, value: any) => { if (error) return finish(error); call.send(def.responseSerialize(value)); call.end(); });
      handler(shaped);
    },
    onClose: (cancelled) => { shaped.cancelled = cancelled; if (cancelled) shaped.emit("cancelled"); shaped.emit("close"); },
  });
  if (def.requestStream) handler(shaped);
}
