/** Strangers who open connections as fast as they can. In each flood honest clients at another address log in. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { PREFACE, settings } from "../../crash/http2_frames.ts";
import { ConnectionFlood } from "../../support/proxies/connection_flood.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import { Pace } from "../../support/waiting/pace.ts";
import { join } from "../../support/servers/person.ts";

const password = "correct horse battery";

function transportTo({ server }: TestGrpcServer): GrpcTransport {
  return new GrpcTransport({ host: "127.0.0.1", port: server.port, callback: false });
}

/** Logs in over a new connection from 127.0.0.1. */
async function logIn(test: TestGrpcServer, user: string): Promise<string> {
  const { credentials } = await transportTo(test).logIn({ user, password, deviceName: "", deviceId: "" }, {});
  return credentials!.token;
}

/** Measures a login over a new connection. */
function paceOfLogin(test: TestGrpcServer): Promise<Pace> {
  return Pace.measure("a login", async () => void await logIn(test, "ana"));
}

/** Whether the server speaks HTTP/2 over a new connection from an address. */
function isServed({ server }: TestGrpcServer, localAddress: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port: server.port, host: "127.0.0.1", localAddress });
    socket.on("error", () => {});
    let isAnswered = false;
    socket.once("data", () => {
      isAnswered = true;
      socket.destroy();
    });
    socket.once("close", () => resolve(isAnswered));
    socket.write(PREFACE);
    socket.write(settings());
  });
}

for (const samePort of [false, true]) {
  const ports = samePort ? "the same ports" : "other ports";
  Deno.test(`others log in while one address resets thousands of connections, and opens them from ${ports}`, async () => {
    await using test = await startTestGrpcServer();
    const ana = await join("ana", transportTo(test));
    const pace = await paceOfLogin(test);
    const addresses = ["127.0.0.2"];
    const flood = new ConnectionFlood({ port: test.server.port, addresses, connections: 8, then: "reset", samePort });
    await eventually(() => flood.closed > 500);
    await pace.assertKeptUnderLoad();
    await ana.client.send("ana", "hello");
    await eventually(() => flood.closed > 4_000);
    const link = await LinkClient.open(transportTo(test), await logIn(test, "ana"));
    await link.close();
    await flood.stop();
    await ana.stop();
    await eventually(() => test.server.connections === 0);
    await eventually(() => isServed(test, "127.0.0.2"));
  });
}

Deno.test("a known address gets in while strangers hold all places of theirs, and afterwards others do too", async () => {
  const rate = { perAddress: { burst: 64, perSecond: 32 }, inAll: { burst: 256, perSecond: 64 } };
  const connectionLimits = { maxStrangers: 64, rate };
  await using test = await startTestGrpcServer({ connectionLimits });
  const ana = await join("ana", transportTo(test));
  const pace = await paceOfLogin(test);
  const addresses = Array.from({ length: 40 }, (_, index) => `127.0.1.${index + 1}`);
  const flood = new ConnectionFlood({ port: test.server.port, addresses, connections: 4, then: "hold" });
  await eventually(() => test.server.connections > connectionLimits.maxStrangers / 2 && flood.closed > 1_000);
  assert.equal(await isServed(test, "127.0.2.1"), false, "a stranger at one more address");
  await pace.assertKeptUnderLoad();
  const link = await LinkClient.open(transportTo(test), ana.token, { consumer: "another" });
  await link.close();
  await flood.stop();
  await eventually(() => isServed(test, "127.0.2.1"));
  await ana.stop();
  await eventually(() => test.server.connections === 0);
});
