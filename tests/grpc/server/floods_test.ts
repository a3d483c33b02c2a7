/** Strangers and users who make as many cheap calls as they can. In each flood an honest client goes on. */
import assert from "node:assert/strict";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { standardRate } from "../../../src/core/limits.ts";
import type { Log } from "../../../src/core/log.ts";
import { silentLog } from "../../../src/core/log.ts";
import { LogInRequest } from "../../../src/gen/chatd/v1/auth.ts";
import { GrpcTransport } from "../../../src/grpc/client/client_transport.ts";
import { strangersCosts, strangersLimits } from "../../../src/grpc/server/strangers_budget.ts";
import { costOf } from "../../../src/session/request_costs.ts";
import { Flood, type FloodKind, strangersFloods } from "../../crash/flood.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { ChatServiceClient, HealthClient, ServerReflectionClient } from "../../support/servers/grpc_js_services.ts";
import { startTestGrpcServer, type TestGrpcServer } from "../../support/servers/grpc_server.ts";
import { LinkClient } from "../../support/servers/link_client.ts";
import { Pace } from "../../support/waiting/pace.ts";
import { join, type Person } from "../../support/servers/person.ts";

const { perAddress, inAll, callsBeyond } = strangersLimits;

function transportTo({ server }: TestGrpcServer): GrpcTransport {
  return new GrpcTransport({ host: "127.0.0.1", port: server.port, callback: false });
}

/** Connects anew, asks, and closes, as a kubelet or a load balancer does. @returns the status, 1 when the server serves. */
async function checkHealth({ server }: TestGrpcServer): Promise<number> {
  const client = new HealthClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  try {
    return await new Promise((resolve, reject) => {
      client.check(
        { service: "" },
        new Metadata(),
        (error, response) => error ? reject(error) : resolve(response.status),
      );
    });
  } finally {
    client.close();
  }
}

/** Measures a message from one user to the other. */
function paceOfChat(ana: Person, ben: Person): Promise<Pace> {
  return Pace.measure("a message between others", async () => {
    const text = crypto.randomUUID();
    await ana.client.send("ben", text);
    await eventually(() => ben.received.at(-1)?.text === text);
  });
}

/**
 * Floods the server while two users who were online before write to each other, nearly as quickly as without the flood.
 * Health checks and sessions from the flooding address are served too; each new connection there waits about 2 s.
 */
async function goOn(kind: FloodKind, addresses: readonly string[], test: TestGrpcServer): Promise<Flood> {
  const transport = transportTo(test);
  const ana = await join("ana", transport);
  const ben = await join("ben", transport);
  const pace = await paceOfChat(ana, ben);
  const flood = new Flood({ port: test.server.port, kind, addresses });
  try {
    // The budget is used up when the first connection is closed for it.
    await eventually(() => flood.closed > 0 || flood.ended > 2 * perAddress.burst);
    await pace.assertKeptUnderLoad();
    assert.equal(await checkHealth(test), 1);
    const again = await LinkClient.open(transport, ana.token, { consumer: "again" });
    await again.close();
    return flood;
  } finally {
    await flood.stop();
    await ana.stop();
    await ben.stop();
  }
}

for (const kind of strangersFloods) {
  Deno.test(`others go on while one address floods the server: ${kind}`, async () => {
    await using test = await startTestGrpcServer();
    const flood = await goOn(kind, ["127.0.0.1"], test);
    assert.ok(flood.closed > 0, "no connection was closed");
  });
}

Deno.test("others go on while twenty addresses ask for reflection, which get no more than the budget of all", async () => {
  await using test = await startTestGrpcServer();
  const addresses = Array.from({ length: 20 }, (_, index) => `127.0.0.${index + 2}`);
  const begun = performance.now();
  const flood = await goOn("reflection", addresses, test);
  const seconds = (performance.now() - begun) / 1000;
  // Beside the answers, each call has headers and a status, and the last answer of all may be a large one.
  const answers = 1024 * (inAll.burst + inAll.perSecond * seconds + 32);
  assert.ok(flood.bytes < answers + 512 * (flood.ended + 30 * (flood.closed + 80)), `${flood.bytes} bytes`);
});

Deno.test("log-ins as the alias of a deleted account are refused as any other name, and log no error", async () => {
  const errors: string[] = [];
  await using test = await startTestGrpcServer({ log: { ...silentLog, error: (event) => void errors.push(event) } });
  const ana = await join("ana", transportTo(test));
  await join("gone", transportTo(test)).then((person) => person.stop());
  const user = await test.chat.accounts.deleteUser("gone", { actor: "gone", erase: false });
  const guess = LogInRequest.encode({ user, password: "correct horse", deviceName: "", deviceId: "" }).finish();
  const { port } = test.server;
  const flood = new Flood({ port, kind: "log-ins", messages: [guess] });
  await eventually(() => flood.closed > 0);
  await ana.client.send("ana", "hello");
  await ana.stop();
  await flood.stop();
  assert.deepEqual(errors, []);
});

Deno.test("an address has so many answers of reflection, and is told when there are more", async () => {
  const slow = { ...perAddress, perSecond: 0.001 };
  await using test = await startTestGrpcServer({ strangers: { ...strangersLimits, perAddress: slow } });
  const client = new ServerReflectionClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure());
  let bytes = 0;
  const error = await new Promise<ServiceError>((resolve) => {
    const ask = () => {
      const call = client.serverReflectionInfo();
      call.write({ host: "", messageRequest: { $case: "fileContainingSymbol", value: "chatd.v1.ChatService" } });
      call.on("data", ({ messageResponse }) => {
        assert.equal(messageResponse?.$case, "fileDescriptorResponse");
        bytes += messageResponse.value.fileDescriptorProto.reduce(
          (sum: number, { length }: Uint8Array) => sum + length,
          0,
        );
        call.end();
      });
      call.on("status", ({ code }) => code === 0 && ask());
      call.on("error", resolve);
    };
    ask();
  });
  assert.deepEqual([error.code, error.metadata.get("chatd-error-code")], [8, ["rate_limited"]]);
  assert.ok(Number(error.metadata.get("chatd-retry-after-ms")) > 0);
  assert.ok(bytes > 1024 * perAddress.burst * 0.8 && bytes < 1024 * perAddress.burst, `${bytes} bytes`);
  client.close();
});

Deno.test("a connection beyond the budget has so many calls, and is closed", async () => {
  const slow = { ...perAddress, perSecond: 0.001 };
  await using test = await startTestGrpcServer({ strangers: { ...strangersLimits, perAddress: slow } });
  const client = new HealthClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure(), {
    "grpc.enable_retries": 0,
  });
  let answered = 0;
  const check = () =>
    new Promise<boolean>((resolve) =>
      client.check({ service: "" }, new Metadata(), (error) => resolve(error === null))
    );
  while (await check()) answered++;
  assert.equal(answered, perAddress.burst / strangersCosts.call + callsBeyond);
  client.close();
});

Deno.test("calls that are refused because too many are open count against the budget too", async () => {
  const slow = { ...perAddress, perSecond: 0.001 };
  await using test = await startTestGrpcServer({
    callLimits: { maxPerUser: 1, maxPerAddress: 1 },
    strangers: { ...strangersLimits, perAddress: slow },
  });
  const address = `127.0.0.1:${test.server.port}`;
  const client = new HealthClient(address, credentials.createInsecure(), { "grpc.enable_retries": 0 });
  const watch = client.watch({ service: "" });
  watch.on("error", () => {});
  await new Promise((resolve) => watch.once("data", resolve));
  const check = () =>
    new Promise<unknown>((resolve) =>
      client.check({ service: "" }, new Metadata(), (error) => resolve(error?.metadata.get("chatd-error-code")[0]))
    );
  let refused = 0;
  while (await check() === "limit_reached") refused++;
  // The call that is open has not been charged.
  assert.equal(refused, perAddress.burst / strangersCosts.call + callsBeyond);
  client.close();
});

Deno.test("a user's calls without a good token cost the user, and not the address", async () => {
  const slow = { ...perAddress, perSecond: 0.001 };
  await using test = await startTestGrpcServer({ strangers: { ...strangersLimits, perAddress: slow } });
  const transport = transportTo(test);
  const mallory = await join("mallory", transport);
  const client = new ChatServiceClient(`127.0.0.1:${test.server.port}`, credentials.createInsecure(), {
    "grpc.enable_retries": 0,
    "grpc.use_local_subchannel_pool": 1,
  });
  const whoAmI = (token: string) =>
    new Promise<string>((resolve) => {
      const metadata = new Metadata();
      metadata.set("authorization", `Bearer ${token}`);
      client.whoAmI({}, metadata, (error, response) => resolve(error === null ? response.user : String(error.code)));
    });
  assert.equal(await whoAmI(mallory.token), "mallory");
  let refused = 0;
  while (await whoAmI("no such token") === "16") refused++;
  assert.equal(refused, perAddress.burst / strangersCosts.call + callsBeyond);
  assert.equal(await checkHealth(test), 1);
  client.close();
  await mallory.stop();
});

Deno.test("others go on while a user asks for large pages, which cost as many tokens as they have items", async () => {
  await using test = await startTestGrpcServer({ rate: { ...standardRate, perSecond: 1 } });
  const transport = transportTo(test);
  const [mallory, ana, ben] = [
    await join("mallory", transport),
    await join("ana", transport),
    await join("ben", transport),
  ];
  const pace = await paceOfChat(ana, ben);
  let pages = 0;
  const listUsers = test.chat.accounts.listUsers.bind(test.chat.accounts);
  test.chat.accounts.listUsers = (page) => {
    pages++;
    return listUsers(page);
  };
  const begun = performance.now();
  const flood = new Flood({ port: test.server.port, kind: "large pages", token: mallory.token });
  await eventually(() => flood.ended > 500);
  await pace.assertKeptUnderLoad();
  await flood.stop();
  const seconds = (performance.now() - begun) / 1000;
  const cost = costOf("listUsers", { after: "", limit: 1_000 });
  assert.ok(pages > 0 && pages <= (standardRate.burst + seconds) / cost + 1, `${pages} pages`);
  for (const person of [mallory, ana, ben]) await person.stop();
});

Deno.test("an internal error that a client repeats is logged ten times, and counted", async () => {
  const lines: unknown[] = [];
  const log: Log = { ...silentLog, error: (event, details) => void lines.push([event, details]) };
  await using test = await startTestGrpcServer({ log });
  const transport = transportTo(test);
  const ana = await join("ana", transport);
  test.chat.accounts.listUsers = () => Promise.reject(new Error("the disk is gone"));
  const flood = new Flood({ port: test.server.port, kind: "large pages", token: ana.token });
  await eventually(() => flood.ended > 300);
  for (let count = 0; count < 50; count++) await assert.rejects(ana.client.listUsers({ limit: 1 }));
  await flood.stop();
  assert.ok(lines.length >= 20 && lines.length < 25, `${lines.length} lines`);
  await ana.stop();
});

Deno.test("somebody who tries again at once gets in when the flood from their address is over", async () => {
  await using test = await startTestGrpcServer();
  const transport = transportTo(test);
  await join("ana", transport).then((person) => person.stop());
  const flood = new Flood({ port: test.server.port, kind: "unknown methods", addresses: ["127.0.0.1"] });
  await eventually(() => flood.closed > 0);
  await flood.stop();
  const logIn = () =>
    transport.logIn({ user: "ana", password: "correct horse battery", deviceName: "", deviceId: "" }, {});
  await eventually(() => logIn().then(() => true, () => false));
});
