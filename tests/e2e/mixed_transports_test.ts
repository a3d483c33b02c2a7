// One chat served over gRPC and over a private RabbitMQ: ana is on a gRPC stream, ben takes deliveries by callback, everybody else is on AMQP.
import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import type { Transport } from "../../src/client/transport.ts";
import { silentLog } from "../../src/core/log.ts";
import type { Message } from "../../src/core/messages/message.ts";
import type { Credentials } from "../../src/gen/chatd/v1/auth.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { startGrpcServer } from "../../src/grpc/server/server.ts";
import { defer } from "../../src/host/defer.ts";
import { transportFiles } from "../contract/transport_files.ts";
import type { DefineTest, TransportFixture, TransportServer } from "../contract/transport_harness.ts";
import { transportPeople } from "../contract/transport_people.ts";
import { transportPins } from "../contract/transport_pins.ts";
import { transportRooms } from "../contract/transport_rooms.ts";
import { transportSearch } from "../contract/transport_search.ts";
import { startTestAmqpServer, startTestBroker } from "../support/brokers/amqp_server.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import { join, type Person, until } from "../support/servers/person.ts";
import { hasContent } from "../support/checks/files.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const broker = await startTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

/** Each user's own transport; whose token it is, is known from when they got it. */
class MixedTransports implements Transport {
  readonly address = "the servers of the tests";
  readonly #port: number;
  readonly #owners = new Map<string, string>();

  constructor(port: number) {
    this.#port = port;
  }

  of(user: string): Transport {
    if (user !== "ana" && user !== "ben") return new AmqpTransport({ broker: broker.address, user });
    return new Http2Transport({ host: "127.0.0.1", port: this.#port, callback: user === "ben" });
  }

  register: Transport["register"] = async (request, options) =>
    this.#remember(await this.of(request.user).register(request, options));

  logIn: Transport["logIn"] = async (request, options) =>
    this.#remember(await this.of(request.user).logIn(request, options));

  openFiles: Transport["openFiles"] = (options) => this.#ownedBy(options.token).openFiles(options);

  connect: Transport["connect"] = () => this.of("ana").connect({});

  async session(token: string, hello: Parameters<LinkClient["hello"]>[1]): Promise<LinkClient> {
    return await LinkClient.open(this.#ownedBy(token), token, hello);
  }

  #ownedBy(token: string): Transport {
    const owner = this.#owners.get(token);
    assert.ok(owner !== undefined, "nobody here has this token");
    return this.of(owner);
  }

  #remember<Response extends { credentials?: Credentials | undefined }>(response: Response): Response {
    const { token, user } = response.credentials!;
    this.#owners.set(token, user);
    return response;
  }
}

interface MixedServer extends TransportServer {
  readonly transport: MixedTransports;
  readonly port: number;
  /** Breaks all connections over gRPC, and nobody gets a new one. */
  stopGrpc(): Promise<void>;
  startGrpc(): Promise<void>;
}

async function start(): Promise<MixedServer> {
  const folder = temporaryFolder();
  const openAmqp = () => startTestAmqpServer(broker, { folder: folder.path });
  let amqp = await openAmqp();
  const openGrpc = (port: number) =>
    startGrpcServer({
      chat: amqp.chat,
      log: silentLog,
      server: "chatd test",
      listen: { host: "127.0.0.1", port },
      defer,
    });
  let grpc = await openGrpc(0);
  const { port } = grpc;
  const stop: MixedServer["stop"] = async (how) => {
    const closed = grpc.close({ deadlineMs: how === "in peace" ? 30_000 : 0 });
    await amqp.stop({ inPeace: how === "in peace" });
    await closed;
  };
  const transport = new MixedTransports(port);
  return {
    get chat() {
      return amqp.chat;
    },
    hasContent: (sha256) => Promise.resolve(hasContent(folder.path, sha256)),
    transport,
    port,
    openRaw: () => Promise.reject(new TypeError("No case of these needs it.")),
    stop,
    async start() {
      amqp = await openAmqp();
      grpc = await openGrpc(port);
    },
    stopGrpc: () => grpc.close({ deadlineMs: 0 }),
    async startGrpc() {
      grpc = await openGrpc(port);
    },
    async [Symbol.asyncDispose]() {
      await stop("in peace");
      folder[Symbol.dispose]();
    },
  };
}

const fixture: TransportFixture = { acknowledgesByReading: false, start };

const test: DefineTest = (behaviour, run) =>
  Deno.test(`gRPC, by callback and AMQP together: ${behaviour}`, async () => {
    await using server = await start();
    const clients: LinkClient[] = [];
    const kept = (client: LinkClient) => {
      clients.push(client);
      return client;
    };
    try {
      await run({
        server,
        fixture,
        session: async (token, hello) => kept(await server.transport.session(token, hello)),
        link: async () => kept(await LinkClient.connect(server.transport)),
      });
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });

transportRooms(test);
transportPins(test);
transportPeople(test);
transportFiles(test);
transportSearch(test);

function shown(messages: readonly Message[], room: string): string[] {
  return messages.filter(({ conversation, event }) => conversation === room && event === undefined)
    .map(({ seq, sender, text }) => `${seq} ${sender} ${text}`);
}

/** Three people in a room of ana's. */
async function meet(server: MixedServer): Promise<{ people: Person[]; id: string }> {
  const people = await Promise.all(["ana", "ben", "cleo"].map((user) => join(user, server.transport.of(user))));
  const [ana, ...others] = people;
  const { id } = await ana.client.rooms.create({ name: "ops", public: true, historyVisible: false });
  for (const { client } of others) await client.rooms.join("#ops");
  return { people, id };
}

/** What everybody else said, as each saw it, is what the log says, in its order. */
async function assertAllSaw(people: readonly Person[], room: string, count: number): Promise<void> {
  const names = ["ana", "ben", "cleo"];
  const seen = (person: Person) => shown([...person.received, ...person.accepted], room);
  await until(() => people.every((person) => seen(person).length === count));
  const { messages } = await people[0].client.history({ with: room, limit: 200 });
  const log = messages.map(({ seq, sender, text }) => `${seq} ${sender} ${text}`);
  assert.equal(log.length, count);
  for (const [index, person] of people.entries()) {
    const ofOthers = log.filter((line) => line.split(" ")[1] !== names[index]);
    assert.deepEqual(shown(person.received, room), ofOthers, `${names[index]} saw something else`);
  }
}

Deno.test("people on three transports talk at once, and all see the same order", async () => {
  await using server = await start();
  const { people, id } = await meet(server);
  const said: Promise<unknown>[] = [];
  for (let round = 0; round < 20; round++) {
    for (const { client } of people) said.push(client.send(id, `round ${round}`));
    await Promise.all(said.slice(-2));
  }
  await Promise.all(said);
  await assertAllSaw(people, id, 60);
  const events = people.map(({ received }) =>
    received.filter(({ event }) => event?.kind === "joined").map(({ sender }) => sender)
  );
  assert.deepEqual(events, [["ben", "cleo"], ["ben", "cleo"], ["cleo"]]);
  await Promise.all(people.map((person) => person.stop()));
});

Deno.test("whose transport dies misses nothing of a room, and the others go on", async () => {
  await using server = await start();
  const { people: [ana, ben, cleo], id } = await meet(server);
  await broker.node.crash();
  await ana.client.send(id, "without AMQP");
  const first = await ben.client.send(id, "a slip");
  await ben.client.edit(id, first.seq, "corrected");
  await ana.client.react(id, first.seq, "👍");
  const kept = cleo.client.send(id, "kept while the broker was gone");
  await broker.node.restart();
  await kept;
  await until(() => shown(cleo.received, id).length === 2);
  assert.deepEqual(shown(cleo.received, id).map((line) => line.replace(/^\d+ /, "")), [
    "ana without AMQP",
    "ben corrected",
  ]);
  await until(() =>
    [ana, ben].every(({ received }) => received.some(({ sender, event }) => sender === "cleo" && !event))
  );

  await server.stopGrpc();
  const alone = cleo.client.send(id, "without gRPC");
  const waiting = ana.client.send(id, "kept while gRPC was gone");
  await alone;
  await server.startGrpc();
  await waiting;
  const texts = ({ received }: Person) => received.filter(({ event }) => !event).map(({ text }) => text);
  await until(() => texts(cleo).includes("kept while gRPC was gone") && texts(ana).includes("without gRPC"));
  await until(() => texts(ben).includes("kept while gRPC was gone"));
  assert.deepEqual(texts(ben), [
    "without AMQP",
    "kept while the broker was gone",
    "without gRPC",
    "kept while gRPC was gone",
  ]);
  const history = await Promise.all([ana, ben, cleo].map(({ client }) => client.history({ with: id, events: true })));
  const logs = history.map(({ messages }) => messages.map(({ seq, text, reactions }) => [seq, text, reactions.length]));
  assert.deepEqual(logs[1].slice(-7), logs[0].slice(-7));
  assert.deepEqual(logs[2].slice(-7), logs[0].slice(-7));
  await Promise.all([ana, ben, cleo].map((person) => person.stop()));
});

Deno.test("who is removed from a room while their transport is down has what came before, and nothing after", async () => {
  await using server = await start();
  const { people: [ana, ben, cleo], id } = await meet(server);
  await broker.node.crash();
  await ana.client.send(id, "before");
  await ana.client.rooms.remove(id, "cleo");
  await ana.client.send(id, "after");
  await until(() => ben.received.some(({ text }) => text === "after"));
  await broker.node.restart();
  await until(() => cleo.received.some(({ event }) => event?.kind === "removed"));
  const page = await cleo.client.history({ with: id });
  assert.deepEqual([shown(cleo.received, id).length, page.messages.map(({ text }) => text)], [1, ["before"]]);
  const direct = await ana.client.send("cleo", "sorry");
  await until(() => cleo.received.some(({ seq, conversation }) => conversation === direct.conversation && seq === 1));
  await Promise.all([ana, ben, cleo].map((person) => person.stop()));
});
