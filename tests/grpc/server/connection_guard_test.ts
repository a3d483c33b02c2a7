import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { connect, type Socket } from "node:net";
import { credentials, Metadata } from "@grpc/grpc-js";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { ConnectionGuard, standardLimits } from "../../../src/grpc/server/connection_guard.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { FakeTime } from "../../support/fakes/fake_time.ts";
import { HealthClient } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import { helloWith } from "../../support/servers/test_session.ts";

const limits = { logInDeadlineMs: 60_000, maxStrangersPerAddress: 3, maxStrangers: 100, maxPerUser: 2 };

/** Opens a connection that says nothing; `closed` resolves when the other side has closed it. */
async function openSilently(port: number): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("error", () => {});
  socket.resume();
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return { socket, closed };
}

Deno.test("a connection over which nobody logs in is closed", async () => {
  await using test = await startTestGrpcServer({ connectionLimits: { ...limits, logInDeadlineMs: 200 } });
  const { closed } = await openSilently(test.server.port);
  await closed;
});

Deno.test("one address can hold only so many connections without logging in", async () => {
  await using test = await startTestGrpcServer({ connectionLimits: limits });
  const held = await Promise.all([1, 2, 3].map(() => openSilently(test.server.port)));
  const refused = await openSilently(test.server.port);
  await refused.closed;
  held[0].socket.destroy();
  await held[0].closed;
  // The place is free as soon as the server has noticed.
  for (let tries = 0;; tries++) {
    assert.ok(tries < 500, "no place became free");
    const next = await openSilently(test.server.port);
    const wasClosed = await Promise.race([
      next.closed.then(() => true),
      answersHttp2(next.socket).then((answers) => !answers),
    ]);
    next.socket.destroy();
    await next.closed;
    if (!wasClosed) break;
  }
  for (const { socket } of held) socket.destroy();
});

/** A socket whose end the server learns of only when the test says so. */
class LateClosing extends EventEmitter {
  readonly remoteAddress = "192.0.2.1";
  isDestroyed = false;

  destroy(): void {
    this.isDestroyed = true;
  }

  /** @returns the socket, and its connection if it was admitted. */
  static offerTo(guard: ConnectionGuard) {
    const socket = new LateClosing();
    return { socket, connection: guard.admit(socket as unknown as Socket) };
  }
}

const anasDevice = { user: "ana", deviceId: "phone" };

Deno.test("a connection counts until its socket has closed, for its address and then for its user", async () => {
  using time = new FakeTime();
  const guard = new ConnectionGuard({ ...standardLimits, ...limits, maxStrangersPerAddress: 2, maxPerUser: 1 });
  const first = LateClosing.offerTo(guard);
  guard.loggedIn(first.connection!, anasDevice);
  assert.equal(first.connection!.owner, "ana");
  const second = LateClosing.offerTo(guard);
  const third = LateClosing.offerTo(guard);
  const refused = LateClosing.offerTo(guard);
  assert.equal(refused.connection, undefined);
  assert.ok(refused.socket.isDestroyed, "one too many without a user");
  assert.throws(() => guard.loggedIn(second.connection!, anasDevice), { code: "limit_reached" });
  first.socket.emit("close");
  guard.loggedIn(second.connection!, anasDevice);
  await time.tick(limits.logInDeadlineMs);
  assert.deepEqual(
    [second, third].map(({ socket }) => socket.isDestroyed),
    [false, true],
    "the deadline is for strangers",
  );
  for (const { socket } of [second, third]) socket.emit("close");
  assert.equal(guard.connections.size, 0);
  const [next, last] = [LateClosing.offerTo(guard), LateClosing.offerTo(guard)];
  assert.ok(next.connection && last.connection, "no count is left behind");
  for (const { socket } of [next, last]) socket.emit("close");
});

Deno.test("an address has so many connections, with and without users; loopback addresses have no such bound", () => {
  const guard = new ConnectionGuard({ ...standardLimits, ...limits, maxPerAddress: 2 });
  const offers = [1, 2, 3].map(() => {
    const offer = LateClosing.offerTo(guard);
    if (offer.connection) guard.loggedIn(offer.connection, { ...anasDevice, user: `user ${guard.connections.size}` });
    return offer;
  });
  assert.deepEqual(offers.map(({ connection }) => connection !== undefined), [true, true, false]);
  offers[0].socket.emit("close");
  const again = LateClosing.offerTo(guard);
  assert.ok(again.connection);
  for (const { socket } of [offers[1], again]) socket.emit("close");
});

function answersHttp2(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00");
  });
}

Deno.test("a connection over which somebody logged in outlives the deadline", async () => {
  using time = new FakeTime();
  await using test = await startTestGrpcServer({ connectionLimits: limits });
  const address = { host: "127.0.0.1", port: test.server.port };
  const transport = new GrpcTransport({ ...address, callback: false });
  const { credentials: ana } = await transport.register(
    { user: "ana", password: "correct horse", invite: "", deviceName: "test" },
    {},
  );
  const link = await transport.connect({});
  link.send({
    requests: [{
      id: 1,
      kind: {
        $case: "hello",
        value: {
          protocolVersion: 1,
          token: ana!.token,
          consumer: "",
          resumeAfter: 0,
          epoch: "",
          callback: undefined,
          client: "test",
        },
      },
    }],
  });
  const frames = link.frames[Symbol.asyncIterator]();
  await frames.next();
  // A connection opened now is closed after the deadline, and so the one before it would have been.
  const silent = await openSilently(test.server.port);
  await eventually(async () => {
    await time.tick(limits.logInDeadlineMs);
    return silent.socket.closed;
  });
  link.send({ requests: [{ id: 2, kind: { $case: "ping", value: {} } }] });
  const { value } = await frames.next();
  assert.equal(value?.items[0].kind?.$case, "reply");
  await link.close();
});

Deno.test("a call without a log-in is answered", async () => {
  await using test = await startTestGrpcServer({ connectionLimits: limits });
  const client = new HealthClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure());
  const answered = await new Promise((resolve, reject) => {
    client.check({ service: "" }, new Metadata(), (error, response) => error ? reject(error) : resolve(response));
  });
  assert.deepEqual(answered, { status: 1 });
  client.close();
});

Deno.test("a user has so many connections, and room for another one when one is closed", async () => {
  await using test = await startTestGrpcServer({ connectionLimits: limits });
  const transport = new GrpcTransport({ host: "127.0.0.1", port: test.server.port, callback: false });
  const register = async (user: string) => {
    const request = { user, password: "correct horse", invite: "", deviceName: "" };
    return (await transport.register(request, {})).credentials!.token;
  };
  const [ana, ben] = [await register("ana"), await register("ben")];
  const open = async (token: string, consumer: string) => {
    const client = await LinkClient.connect(transport);
    const result = await client.reply(client.request({ $case: "hello", value: helloWith(token, { consumer }) })[0]);
    return { client, said: result.$case === "error" ? result.value.code : result.$case };
  };
  const opened = [await open(ana, "a"), await open(ana, "b"), await open(ana, "c"), await open(ben, "a")];
  assert.deepEqual(opened.map(({ said }) => said), ["hello", "hello", "limit_reached", "hello"]);
  await opened[0].client.close();
  await eventually(async () => {
    const again = await open(ana, "d");
    await again.client.close();
    return again.said === "hello";
  });
  for (const { client } of opened) await client.close();
});
