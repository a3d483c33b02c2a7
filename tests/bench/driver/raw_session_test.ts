import assert from "node:assert/strict";
import { AckClock } from "../../../src/bench/driver/ack_clock.ts";
import { placeOf } from "../../../src/bench/driver/frame_scan.ts";
import { Http2Pipe } from "../../../src/bench/driver/http2_pipe.ts";
import { RawSession } from "../../../src/bench/driver/raw_session.ts";
import { SendTemplate } from "../../../src/bench/driver/send_template.ts";
import { stampedText } from "../../../src/bench/driver/stamps.ts";
import { connectPath } from "../../../src/bench/systems/all_systems.ts";
import { ClientFrame, type Hello } from "../../../src/gen/chatd/v1/session.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import { eventually } from "../../support/waiting/eventually.ts";

async function register({ chat }: TestGrpcServer, user: string): Promise<string> {
  const registration = { user, password: "correct horse", invite: "", deviceName: "test", address: "" };
  return (await chat.accounts.register(registration)).token;
}

interface Opened {
  readonly session: RawSession;
  readonly cursor: number;
  readonly epoch: string;
  readonly texts: string[];
  readonly accepted: () => number;
  readonly lost: Error[];
  /** The receipts that were acknowledged. */
  readonly receipts: number[];
}

async function open(
  { server }: TestGrpcServer,
  { ackClock, joined = true, ...hello }: { ackClock: AckClock; joined?: boolean; token: string } & Partial<Hello>,
): Promise<Opened> {
  const texts: string[] = [];
  const lost: Error[] = [];
  const receipts: number[] = [];
  let accepted = 0;
  const { session, hello: { cursor, epoch } } = await RawSession.open({
    async open(handlers) {
      const pipe = await Http2Pipe.open({ host: "127.0.0.1", port: server.port, path: connectPath, ...handlers });
      return {
        close: () => pipe.close(),
        send(message) {
          for (const { kind } of ClientFrame.decode(message).requests) {
            if (kind?.$case === "ack") receipts.push(kind.value.receipt);
          }
          pipe.send(message);
        },
      };
    },
    hello,
    ackClock,
    joined,
    onMessage: (bytes, from, to) => {
      const { textFrom } = placeOf(bytes, from, to);
      texts.push(new TextDecoder().decode(bytes.slice(textFrom, textFrom + 100)));
    },
    onAccepted: (count) => accepted += count,
    onPostponed: () => {},
    onLost: (error) => lost.push(error),
  });
  return { session, cursor, epoch, texts, accepted: () => accepted, lost, receipts };
}

for (const joined of [true, false]) {
  Deno.test(`${joined ? "joined" : "single"} sends are accepted, stored and delivered in their order`, async () => {
    await using server = await startTestGrpcServer({ rate: { perSecond: 10_000, burst: 10_000 } });
    using ackClock = new AckClock();
    const [ana, ben] = [await register(server, "ana"), await register(server, "ben")];
    const reader = await open(server, { ackClock, token: ben });
    const writer = await open(server, { ackClock, token: ana, joined });
    const template = new SendTemplate("ben");
    const stamps = [];
    // Together more than one frame, and more than a server's window.
    for (const count of [1, 64, 400, 3_000]) {
      const stamp = writer.session.send(template, count);
      stamps.push(...Array.from({ length: count }, () => stamp));
      await eventually(() => writer.accepted() === stamps.length);
    }
    await eventually(() => reader.texts.length >= stamps.length);
    assert.deepEqual(reader.texts, stamps.map(stampedText));
    assert.deepEqual([...writer.lost, ...reader.lost], []);
    await Promise.all([writer, reader].map(({ session }) => session.close()));
  });
}

Deno.test("a session acknowledges: the next one of the user begins after its messages", async () => {
  await using server = await startTestGrpcServer();
  using ackClock = new AckClock(50);
  const [ana, ben] = [await register(server, "ana"), await register(server, "ben")];
  const reader = await open(server, { ackClock, token: ben });
  const writer = await open(server, { ackClock, token: ana });
  writer.session.send(new SendTemplate("ben"), 3);
  await eventually(() => reader.texts.length === 3);
  await eventually(() => reader.receipts.length > 0);
  await reader.session.close();
  const again = await open(server, { ackClock, token: ben });
  assert.equal(again.cursor, reader.cursor + 3);
  assert.deepEqual(again.texts, []);
  await Promise.all([writer, again].map(({ session }) => session.close()));
});

Deno.test("a session resumes after the position that it names", async () => {
  await using server = await startTestGrpcServer();
  // Longer than the test: nothing is acknowledged.
  using ackClock = new AckClock(3_600_000);
  const [ana, ben] = [await register(server, "ana"), await register(server, "ben")];
  const first = await open(server, { ackClock, token: ben });
  await first.session.close();
  const writer = await open(server, { ackClock, token: ana });
  writer.session.send(new SendTemplate("ben"), 3);
  await eventually(() => writer.accepted() === 3);
  const { epoch } = first;
  const resumed = await open(server, { ackClock, token: ben, epoch, resumeAfter: first.cursor + 1 });
  await eventually(() => resumed.texts.length === 2);
  await Promise.all([writer, resumed].map(({ session }) => session.close()));
});

Deno.test("a refused hello is the server's error", async () => {
  await using server = await startTestGrpcServer();
  using ackClock = new AckClock();
  await assert.rejects(open(server, { ackClock, token: "wrong" }), { code: "unauthenticated" });
});

Deno.test("the end of a session by the server is reported with its reason", async () => {
  await using server = await startTestGrpcServer();
  using ackClock = new AckClock();
  const token = await register(server, "ana");
  const one = await open(server, { ackClock, token });
  const other = await open(server, { ackClock, token });
  await eventually(() => one.lost.length === 1);
  assert.equal((one.lost[0] as Error & { code: string }).code, "session_replaced");
  await other.session.close();
});

Deno.test("a server that does not answer is unavailable", async () => {
  const server = await startTestGrpcServer();
  const token = await register(server, "ana");
  await server[Symbol.asyncDispose]();
  using ackClock = new AckClock();
  await assert.rejects(open(server, { ackClock, token }), { code: "unavailable", message: /^Cannot connect to 127/ });
});
