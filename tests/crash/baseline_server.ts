/**
 * The smallest grpc-js server worth attacking: a unary echo, a bidirectional stream that writes all the time, and a
 * method that makes the server dial a port itself (as callback delivery does). Deno versions are compared with it.
 *
 * Arguments: a JSON object {@link BaselineOptions}. Prints one line of JSON, `{"port": n}`, when it serves.
 */
import { Buffer } from "node:buffer";
import process from "node:process";
import * as grpc from "@grpc/grpc-js";

export interface BaselineOptions {
  /** Also trusted when no client certificate is demanded: without explicit roots grpc-js on Deno serves no TLS. */
  authority?: string;
  certificate?: string;
  key?: string;
  /** Log uncaught errors and go on, as a real server does: then only native faults kill it. */
  guarded?: boolean;
  /** Demand a client certificate from `authority`. */
  mutual?: boolean;
}

const bytes = {
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
};

export const baselineService: grpc.ServiceDefinition = {
  echo: { path: "/crash.Baseline/Echo", requestStream: false, responseStream: false, ...bytes },
  flood: { path: "/crash.Baseline/Flood", requestStream: true, responseStream: true, ...bytes },
  dial: { path: "/crash.Baseline/Dial", requestStream: false, responseStream: false, ...bytes },
};

/** A stream stops getting bulk after this much, since not every Deno version pushes back. */
const BULK_BYTES = 2 * 1024 * 1024;
const CHUNK = Buffer.alloc(8 * 1024, 0x61);
const TICK = Buffer.from("tick");

function flood(call: grpc.ServerDuplexStream<Buffer, Buffer>) {
  let sent = 0;
  const timer = setInterval(() => {
    const message = sent < BULK_BYTES ? CHUNK : TICK;
    sent += message.length;
    call.write(message);
  }, 1);
  const stop = () => clearInterval(timer);
  call.on("data", (message: Buffer) => call.write(message));
  call.on("end", () => {
    stop();
    call.end();
  });
  for (const event of ["cancelled", "error", "close"]) call.on(event, stop);
}

async function dial(address: string, credentials: grpc.ChannelCredentials) {
  const client = new grpc.Client(address, credentials, {
    "grpc.enable_retries": 0,
    "grpc.ssl_target_name_override": "localhost",
  });
  const deadline = () => new Date(Date.now() + 1500);
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((resolve) => {
      client.makeUnaryRequest(
        baselineService.echo.path,
        (value: Buffer) => value,
        (value: Buffer) => value,
        CHUNK,
        { deadline: deadline() },
        () => resolve(),
      );
    });
  }
  await new Promise<void>((resolve) => {
    const stream = client.makeBidiStreamRequest(
      baselineService.flood.path,
      (value: Buffer) => value,
      (value: Buffer) => value,
      { deadline: deadline() },
    );
    const timer = setInterval(() => stream.write(CHUNK), 2);
    stream.on("data", () => {});
    stream.on("error", () => {});
    stream.on("status", () => {
      clearInterval(timer);
      resolve();
    });
  });
  // Idle for a while, as a session between two messages is: native memory that was freed too early shows itself late.
  await new Promise((resolve) => setTimeout(resolve, 400));
  client.close();
}

function serve(options: BaselineOptions) {
  if (options.guarded) {
    for (const event of ["uncaughtException", "unhandledRejection"]) {
      process.on(event, (error) => console.error("uncaught", (error as Error)?.stack ?? error));
    }
  }
  // With --v8-flags=--expose-gc: collecting all the time brings out in seconds what otherwise takes idle minutes.
  const { gc } = globalThis as { gc?: () => void };
  if (gc) setInterval(gc, 25);
  const server = new grpc.Server();
  const dialCredentials = options.authority
    ? grpc.credentials.createSsl(Buffer.from(options.authority))
    : grpc.credentials.createInsecure();
  server.addService(baselineService, {
    echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) => reply(null, call.request),
    flood,
    dial(call: grpc.ServerUnaryCall<Buffer, Buffer>, reply: grpc.sendUnaryData<Buffer>) {
      dial(`127.0.0.1:${call.request.toString()}`, dialCredentials)
        .then(() => reply(null, Buffer.from("dialled")), (error) => reply(error as grpc.ServerErrorResponse));
    },
  });
  const credentials = options.certificate && options.key
    ? grpc.ServerCredentials.createSsl(
      options.authority ? Buffer.from(options.authority) : null,
      [{ cert_chain: Buffer.from(options.certificate), private_key: Buffer.from(options.key) }],
      options.mutual === true,
    )
    : grpc.ServerCredentials.createInsecure();
  server.bindAsync("127.0.0.1:0", credentials, (error, port) => {
    if (error) throw error;
    console.log(JSON.stringify({ port }));
  });
}

if (import.meta.main) serve(JSON.parse(process.argv[2] ?? "{}") as BaselineOptions);
