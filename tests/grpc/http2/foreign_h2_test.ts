import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Http2Connection } from "../../../src/grpc/http2/connection.ts";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { encodeHeaders } from "../../../src/grpc/http2/header_encoder.ts";
import { valueOf } from "../../../src/grpc/http2/header_rules.ts";
import { connectOver } from "../../../src/grpc/http2/socket_transport.ts";
import type { Http2Stream } from "../../../src/grpc/http2/stream.ts";
import { type SeededRandom, seededRandom } from "../../crash/seeded_random.ts";
import { outputLines } from "../../support/processes/output_lines.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { limits } from "./wire.ts";

/** Outcomes that Debian's python3-h2 counted; a frame that it finds wrong ends it with an error. */
interface Counts {
  opened: number;
  echoed: number;
  answeredEarly: number;
  resetHere: number;
  resetThere: number;
  pongs: number;
  octets: number;
}

const seeds = [1, 2, 3, 4, 5, 6];
const program = new URL("./foreign_h2.py", import.meta.url).pathname;
const requestBlock = encodeHeaders([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/echo"],
  [":authority", "localhost"],
]);
const responseBlock = encodeHeaders([[":status", "200"]]);
const trailersBlock = encodeHeaders([["grpc-status", "0"]]);

function spawn(...args: string[]): Deno.ChildProcess {
  return new Deno.Command("/usr/bin/python3", { args: [program, ...args], stdout: "piped", stderr: "piped" }).spawn();
}

async function countsOf(child: Deno.ChildProcess): Promise<Counts> {
  const { success, stdout, stderr } = await child.output();
  assert.ok(success, `python3-h2 must be installed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Answers "/echo" with its own body, "/early" before its body came, and resets "/reset". */
function serve(stream: Http2Stream, path: string): void {
  stream.events = { onData: (bytes) => stream.release(bytes.length), onEnd: () => {}, onClose: () => {} };
  if (path === "/reset") return stream.reset(ErrorCode.cancel);
  stream.sendHeaders(responseBlock);
  if (path === "/early") return stream.end(trailersBlock);
  stream.events = {
    onData: (bytes) => {
      stream.write(new Uint8Array(bytes));
      stream.release(bytes.length);
    },
    onEnd: () => stream.end(trailersBlock),
    onClose: () => {},
  };
}

async function withServer(use: (port: number, connections: Http2Connection[]) => Promise<void>): Promise<void> {
  const errors: unknown[] = [];
  const sockets: Socket[] = [];
  const connections: Http2Connection[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket);
    connections.push(connectOver(socket, {
      role: "server",
      limits: { ...limits, maxStreams: 32, connectionWindow: 200_000, maxQueuedBytes: 50_000_000 },
      onFault: (error) => errors.push(error),
      onClosed: (error) => error && errors.push(error),
      onRequest: (stream, { pseudo }) => serve(stream, pseudo.get(":path")!),
    }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use((server.address() as AddressInfo).port, connections);
    assert.deepEqual(errors, []);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

for (const seed of seeds) {
  Deno.test(`python3-h2 as a client finds no fault in the server, and both end whole (seed ${seed})`, () =>
    withServer(async (port, connections) => {
      const counts = await countsOf(spawn("client", String(seed), String(port)));
      assert.ok(counts.opened === 120 && counts.echoed > 50 && counts.answeredEarly > 0, JSON.stringify(counts));
      await eventually(() => connections.every(({ isClosed, streams }) => isClosed && streams === 0));
    }));
}

interface Outcome {
  sent: Buffer;
  heard: Buffer;
  status: string | undefined;
  code: number | undefined;
}

/** Makes a request whose body is written in pieces over several turns. */
function request(client: Http2Connection, random: SeededRandom): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const sent = Buffer.from(random.bytes(random.pick([0, 1, 1_000, 20_000, 100_000])));
  const heard: Uint8Array[] = [];
  let status: string | undefined;
  const stream: Http2Stream = client.request(requestBlock, {
    onData: (bytes) => {
      heard.push(bytes.slice());
      setImmediate(() => stream.release(bytes.length));
    },
    onEnd: (trailers) => void (status = trailers && valueOf(trailers, "grpc-status")),
    onClose: (code) => resolve({ sent, heard: Buffer.concat(heard), status, code }),
  });
  const resetsAt = random.next() < 0.1 ? random.integer(0, sent.length) : Infinity;
  const write = (at: number) => {
    if (stream.isClosed) return;
    if (at >= resetsAt) return stream.reset(ErrorCode.cancel);
    if (at === sent.length) return stream.end();
    const end = Math.min(at + random.integer(1, 30_000), sent.length);
    stream.write(sent.subarray(at, end));
    setImmediate(() => write(end));
  };
  write(0);
  return promise;
}

for (const seed of seeds) {
  Deno.test(`python3-h2 as a server finds no fault in the client, and its answers are whole (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const child = spawn("server", String(seed));
    const lines = outputLines(child.stdout);
    const errors: unknown[] = [];
    const socket = connect({ port: Number((await lines.next()).value), host: "127.0.0.1", noDelay: true });
    const client = connectOver(socket, {
      role: "client",
      limits: { ...limits, connectionWindow: 200_000 },
      onFault: (error) => errors.push(error),
      onClosed: (error) => error && errors.push(error),
    });
    const requests: Promise<Outcome>[] = [];
    let pongs = 0;
    while (requests.length < 100) {
      await eventually(() => client.isClosed || client.takesRequests && client.streams < 20);
      if (client.isClosed) break;
      requests.push(request(client, random));
      if (random.next() < 0.2) client.ping(() => pongs++);
    }
    const outcomes = await Promise.all(requests);
    client.close();
    const [{ value: printed }, { success }, stderr] = await Promise.all([
      lines.next(),
      child.status,
      new Response(child.stderr).text(),
    ]);
    assert.ok(success, stderr);
    const whole = outcomes.filter(({ code }) => code === undefined);
    for (const { sent, heard, status } of whole) {
      assert.equal(status, "0");
      assert.ok(heard.equals(sent));
    }
    const counts: Counts = JSON.parse(printed ?? "{}");
    assert.deepEqual(errors, []);
    assert.equal(counts.opened, 100);
    assert.ok(
      whole.length > 50 && pongs > 0 && counts.pongs > 0,
      JSON.stringify({ ...counts, whole: whole.length, pongs }),
    );
    await eventually(() => socket.closed);
  });
}
