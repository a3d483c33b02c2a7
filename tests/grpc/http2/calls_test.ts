import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import {
  Client,
  credentials,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { CallError, callUnary } from "../../../src/grpc/http2/client_call.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { type EchoServer, startEchoServer } from "./echo_server.ts";
import { limits } from "./wire.ts";

const same = (bytes: Buffer) => bytes;

async function withEcho(use: (client: Client, server: EchoServer) => Promise<void>): Promise<void> {
  const server = await startEchoServer();
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  try {
    await use(client, server);
  } finally {
    client.close();
    await server.close();
    assert.deepEqual(server.faults, []);
  }
}

function ask(client: Client, path: string, message: Buffer, deadlineMs = 30_000): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    client.makeUnaryRequest(
      path,
      same,
      same,
      message,
      new Metadata(),
      { deadline: Date.now() + deadlineMs },
      (error, answer) => {
        if (error) reject(error);
        else resolve(answer!);
      },
    )
  );
}

Deno.test("grpc-js gets complete answers, up to the longest message", () =>
  withEcho(async (client) => {
    for (const length of [0, 1, 5_000, 65_536]) {
      const message = Buffer.from(crypto.getRandomValues(new Uint8Array(length)));
      assert.ok(message.equals(await ask(client, "/echo.Echo/Say", message)));
    }
  }));

Deno.test("grpc-js learns why a call failed, with metadata", () =>
  withEcho(async (client) => {
    const error = await ask(client, "/echo.Echo/Fail", Buffer.from("x")).catch((error: ServiceError) =>
      error
    ) as ServiceError;
    assert.deepEqual([error.code, error.details, error.metadata.get("why")], [status.NOT_FOUND, "nicht da: ü%\n", [
      "because",
    ]]);
    const long = await ask(client, "/echo.Echo/Say", Buffer.alloc(65_537)).catch((error: ServiceError) =>
      error
    ) as ServiceError;
    assert.equal(long.code, status.RESOURCE_EXHAUSTED);
  }));

Deno.test("a call ends with its deadline, on both sides", () =>
  withEcho(async (client, server) => {
    const error = await ask(client, "/echo.Echo/Hang", Buffer.from("x"), 300).catch((error: ServiceError) =>
      error
    ) as ServiceError;
    assert.equal(error.code, status.DEADLINE_EXCEEDED);
    await eventually(() => [...server.connections].every(({ streams }) => streams === 0));
  }));

Deno.test("a stream carries many messages both ways, and is cancelled", () =>
  withEcho(async (client, server) => {
    const call = client.makeBidiStreamRequest("/echo.Echo/Chat", same, same, new Metadata(), {});
    const heard: number[] = [];
    call.on("data", (bytes: Buffer) => heard.push(bytes.length));
    call.on("error", () => {});
    for (let count = 0; count < 2_000; count++) call.write(Buffer.alloc(count));
    await eventually(() => heard.length === 2_000);
    assert.deepEqual(heard, Array.from({ length: 2_000 }, (_, count) => count));
    call.cancel();
    await eventually(() => [...server.connections].every(({ streams }) => streams === 0));
  }));

async function withSocket(port: number, use: (socket: Socket) => Promise<void>): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  try {
    await use(socket);
  } finally {
    socket.destroy();
    await eventually(() => socket.closed);
  }
}

const request = { path: "/echo.Echo/Say", scheme: "http", authority: "localhost", maxResponseBytes: 1_000 } as const;

function clientOver(socket: Socket) {
  return connectOver(socket, {
    role: "client",
    limits,
    onFault: assert.fail,
  });
}

Deno.test("the client role gets answers of its own server, and errors for refusals, long answers and a lost peer", async () => {
  const server = await startEchoServer();
  await withSocket(server.port, async (socket) => {
    const connection = clientOver(socket);
    const say = (message: Uint8Array, path: string = request.path, signal?: AbortSignal) =>
      callUnary(connection, { ...request, path, message, signal, metadata: [["secret", "x"]] });
    assert.deepEqual(Buffer.from(await say(Buffer.from("hello"))), Buffer.from("hello"));
    await assert.rejects(
      say(Buffer.from("x"), "/echo.Echo/Fail"),
      (error) => error instanceof CallError && error.status.code === 5,
    );
    await assert.rejects(say(Buffer.alloc(2_000)), (error) => error instanceof CallError && error.status.code === 8);
    await assert.rejects(say(Buffer.from("x"), "/echo.Echo/Hang", AbortSignal.timeout(100)), /cancelled/);
    assert.equal(connection.streams, 0);
    const hanging = assert.rejects(say(Buffer.from("x"), "/echo.Echo/Hang"), /Connection dropped/);
    await server.close();
    await hanging;
    await assert.rejects(say(Buffer.from("x")), /accepts no calls/);
  });
});

Deno.test("the client role gets answers of grpc-js's server", async () => {
  const server = new Server();
  server.register(
    "/echo.Echo/Say",
    (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, call.request),
    same,
    same,
    "unary",
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      "127.0.0.1:0",
      ServerCredentials.createInsecure(),
      (error, port) => error ? reject(error) : resolve(port),
    )
  );
  await withSocket(port, async (socket) => {
    const connection = clientOver(socket);
    for (const text of ["one", "two"]) {
      const answer = await callUnary(connection, { ...request, message: Buffer.from(text) });
      assert.equal(Buffer.from(answer).toString(), text);
    }
    await assert.rejects(
      callUnary(connection, { ...request, path: "/no.Such/Call", message: Buffer.from("x") }),
      (error) => error instanceof CallError && error.status.code === status.UNIMPLEMENTED,
    );
  });
  server.forceShutdown();
});

Deno.test("complete requests are answered after the client has closed its side", async () => {
  const server = await startEchoServer();
  await withSocket(server.port, async (socket) => {
    const connection = clientOver(socket);
    const answers = Array.from(
      { length: 20 },
      (_, count) => callUnary(connection, { ...request, message: Buffer.from(String(count)) }),
    );
    // In the same turn as the requests, and after them.
    setImmediate(() => setImmediate(() => socket.end()));
    assert.deepEqual(
      (await Promise.all(answers)).map((each) => Buffer.from(each).toString()),
      Array.from({ length: 20 }, (_, count) => String(count)),
    );
  });
  await server.close();
});
