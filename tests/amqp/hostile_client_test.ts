// Everything here is done by a client with a valid account, against a real broker and a real server.
import assert from "node:assert/strict";
import type { ConfirmChannel } from "amqplib";
import { BrokerManagement } from "../../src/amqp/broker_management.ts";
import { connectionHeader } from "../../src/amqp/incoming.ts";
import { messageTypes } from "../../src/amqp/message_types.ts";
import {
  registrationExchange,
  registrationQueue,
  registrationUser,
  requestExchange,
  requestQueue,
} from "../../src/amqp/topology.ts";
import { RegisterRequest } from "../../src/gen/chatd/v1/auth.ts";
import { createMessageId } from "../../src/core/message_id.ts";
import { silentLog } from "../../src/core/log.ts";
import { ScryptHasher } from "../../src/app/scrypt_hasher.ts";
import { startTestAmqpServer, startTestBroker, type TestAmqpServer, type TestBroker } from "../support/amqp_server.ts";
import { connectAs } from "../support/amqp_user.ts";
import { eventually } from "../support/eventually.ts";
import { join, type Person } from "../support/person.ts";
import { RawAmqpClient, type RawSession } from "../support/raw_amqp_client.ts";
import { historyRequest, sendRequest } from "../support/wire_values.ts";

/** Of who still writes when the broker closes the connection, the system may throw away what the broker said. */
const thrownOut = /CONNECTION.FORCED|ECONNRESET|EPIPE/;

const password = "correct horse battery";
/** How long a message between others may take while somebody floods, in milliseconds; it takes about one otherwise. */
const slowestMs = 60_000;
/** What a flood may make the server, or the broker, grow by. */
const growthMiB = 150;

/** A broker, a server, ana and ben who chat, and mallory. */
class Scene implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly server: TestAmqpServer;
  readonly management: BrokerManagement;
  readonly ana: Person;
  readonly ben: Person;

  private constructor(scene: Pick<Scene, "broker" | "server" | "management" | "ana" | "ben">) {
    ({ broker: this.broker, server: this.server, management: this.management, ana: this.ana, ben: this.ben } = scene);
  }

  static async open(): Promise<Scene> {
    const broker = await startTestBroker();
    const { node } = broker;
    const login = { user: node.user, password: node.password };
    const management = new BrokerManagement({ url: node.managementUrl, login, log: silentLog });
    const server = await startTestAmqpServer(broker, {
      kick: (target) => void management.kick(target),
      closeConnection: (name) => void management.closeConnection(name),
      whileTracing: (look) => management.whileTracing("/", look),
      flood: { perSecond: 200, burst: 1_000 },
      hasher: new ScryptHasher(),
    });
    management.guard(server.chat.accounts);
    const [ana, ben] = [await join("ana", server.transport("ana")), await join("ben", server.transport("ben"))];
    for (const name of ["mallory", "trudy", "oscar", "nick"]) await server.chat.accounts.addUser({ name, password });
    return new Scene({ broker, server, management, ana, ben });
  }

  get accounts() {
    return this.server.chat.accounts;
  }

  logIn(user: string) {
    return this.accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "127.0.0.1" });
  }

  connect(user: string, secret = password, name?: string): Promise<RawAmqpClient> {
    return RawAmqpClient.connect(this.broker.node.amqpUrl(user, secret), name);
  }

  /** A hostile client with a session of its own. */
  async join(user: string): Promise<{ client: RawAmqpClient; session: RawSession; token: string }> {
    const { token } = await this.logIn(user);
    const client = await this.connect(user, token);
    const session = await client.hello(token);
    assert.ok(session);
    return { client, session, token };
  }

  /** The session queues of a user, which only the server knows. */
  async queueOf(user: string): Promise<string> {
    const queues = await this.management.get("/api/queues?columns=name") as { name: string }[];
    const found = queues.map(({ name }) => name).find((name) => name.startsWith(`chatd.session.${user}.`));
    assert.ok(found, `no session queue of ${user}`);
    return found;
  }

  /** ana and ben still talk to each other, and hear of nothing else. */
  async chatGoesOn(): Promise<void> {
    const text = crypto.randomUUID();
    const heard = this.ben.received.length;
    this.ana.client.send("ben", text);
    await eventually(() => this.ben.received.at(-1)?.text === text, () => "a message from ana to ben", slowestMs);
    assert.deepEqual(this.ben.received.slice(heard).map(({ sender }) => sender), ["ana"]);
    assert.deepEqual(this.ana.received, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.ana.stop(), this.ben.stop()]);
    await this.server[Symbol.asyncDispose]();
    await this.management.close();
    await this.broker[Symbol.asyncDispose]();
  }
}

function message(client: RawAmqpClient, to: string, text: string): Uint8Array {
  const id = createMessageId(Date.now());
  return client.frame({ $case: "send", value: sendRequest({ to, id, text }) });
}

Deno.test("a hostile client with a valid account", async (t) => {
  await using scene = await Scene.open();
  const { broker, accounts } = scene;
  const { client: mallory, session, token } = await scene.join("mallory");
  await using _closing = mallory;
  const inSession = mallory.inSession(session);
  const anasQueue = await scene.queueOf("ana");
  const step = (behaviour: string, run: () => Promise<void>) =>
    t.step(behaviour, async () => {
      await run();
      await scene.chatGoesOn();
    });

  await step("may do what honest clients do", async () => {
    assert.equal(await mallory.listConversations(session), "listConversations");
  });

  await step("cannot publish with another's user_id", async () => {
    for (const userId of ["ana", "chatd", "mallory ", "MALLORY"]) {
      const refused = await mallory.attempt((channel) =>
        channel.publish(requestExchange, requestQueue, Buffer.alloc(1), { userId })
      );
      assert.match(refused, /406.*PRECONDITION.FAILED.*user_id/, userId);
    }
  });

  await step("is refused without a user_id, with x-death, with CC", async () => {
    const content = message(mallory, "ben", "forged");
    assert.equal(await mallory.refusal(content, { ...inSession, userId: undefined }), "permission_denied");
    const headers: Record<string, unknown>[] = [
      { "x-death": [{ queue: "mine", reason: "expired", count: 1 }] },
      { "x-death": "anything" },
      { CC: [anasQueue] },
    ];
    for (const forged of headers) {
      const all = { headers: { ...inSession.headers, ...forged } };
      assert.equal(await mallory.refusal(content, all), "permission_denied", JSON.stringify(forged));
    }
    await mallory.publish(content, {
      ...inSession,
      replyTo: undefined,
      headers: { ...inSession.headers, "x-death": [] },
    });
    assert.equal(
      (await scene.server.chat.history("mallory", historyRequest({ with: "ben", limit: 10 }))).messages.length,
      0,
    );
  });

  await step("has no copies sent anywhere with BCC, which the broker takes off", async () => {
    const headers = { ...inSession.headers, BCC: [session.queue, anasQueue, registrationQueue] };
    await mallory.publish(mallory.frame(), { headers });
    await mallory.listConversations(session);
    assert.deepEqual(session.received.filter(({ properties }) => properties.userId !== "chatd"), []);
  });

  await step("cannot have the server write to another's queue (reply_to)", async () => {
    const hello = mallory.frame({ $case: "listConversations", value: { limit: 0, beforePosition: 0 } });
    for (
      const replyTo of [
        anasQueue,
        requestQueue,
        "amq.rabbitmq.reply-to.forged",
        "amq.rabbitmq.reply-to",
        "x".repeat(255),
      ]
    ) {
      await mallory.attempt((channel) =>
        channel.publish(requestExchange, requestQueue, Buffer.from(hello), {
          userId: "mallory",
          replyTo,
          ...inSession,
        })
      );
    }
  });

  await step("cannot publish to the default exchange, to queues, or to other exchanges", async () => {
    for (
      const [exchange, key] of [
        ["", anasQueue],
        ["", requestQueue],
        ["", session.queue],
        ["amq.topic", "x"],
        ["amq.direct", anasQueue],
        [registrationExchange, registrationQueue],
        ["unknown", "x"],
        ["amq.rabbitmq.event", "user.created"],
      ]
    ) {
      const refused = await mallory.attempt((channel) =>
        channel.publish(exchange, key, Buffer.from("x"), { userId: "mallory" })
      );
      assert.match(refused, /40[34]/, `${exchange} ${key}`);
    }
  });

  await step("cannot consume, get, purge or delete another's queue, or the server's", async () => {
    for (const queue of [anasQueue, requestQueue, registrationQueue]) {
      const attempts: Record<string, (channel: ConfirmChannel) => unknown> = {
        consume: (channel) => channel.consume(queue, () => {}),
        get: (channel) => channel.get(queue),
        purge: (channel) => channel.purgeQueue(queue),
        delete: (channel) => channel.deleteQueue(queue),
        "delete an exchange": (channel) => channel.deleteExchange(requestExchange),
      };
      for (const [what, attempt] of Object.entries(attempts)) {
        assert.match(await mallory.attempt(attempt), /403.*ACCESS.REFUSED/, `${what} ${queue}`);
      }
    }
  });

  await step("cannot declare or bind anything, nor delete its own queue", async () => {
    const attempts: Record<string, (channel: ConfirmChannel) => unknown> = {
      "a queue": (channel) => channel.assertQueue("mine"),
      "a nameless queue": (channel) => channel.assertQueue(""),
      "an exclusive queue": (channel) => channel.assertQueue("", { exclusive: true, autoDelete: true }),
      "a queue that forwards": (channel) =>
        channel.assertQueue("mine", { messageTtl: 0, deadLetterExchange: requestExchange }),
      "a queue named like a session": (channel) => channel.assertQueue("chatd.session.ana.0", {}),
      "an exchange": (channel) => channel.assertExchange("mine", "fanout"),
      "an exchange with an alternate": (channel) =>
        channel.assertExchange("mine", "fanout", { alternateExchange: requestExchange }),
      "a binding of its queue": (channel) => channel.bindQueue(session.queue, requestExchange, requestQueue),
      "a binding of its queue to events": (channel) => channel.bindQueue(session.queue, "amq.rabbitmq.event", "#"),
      "a binding of ana's queue": (channel) => channel.bindQueue(anasQueue, "amq.topic", "#"),
      "a binding of exchanges": (channel) => channel.bindExchange("amq.topic", requestExchange, requestQueue),
      "an unbinding": (channel) => channel.unbindQueue(requestQueue, requestExchange, requestQueue),
      "no more queue": (channel) => channel.deleteQueue(session.queue),
    };
    for (const [what, attempt] of Object.entries(attempts)) {
      assert.match(await mallory.attempt(attempt), /403.*ACCESS.REFUSED/, what);
    }
  });

  await step("guesses names of queues in vain", async () => {
    assert.match(anasQueue, /^chatd\.session\.ana\.[0-9a-f]{32}$/);
    assert.notEqual(anasQueue.slice(-32), session.queue.slice(-32));
    for (
      const queue of [
        "chatd.session.ana",
        "chatd.session.ana.",
        "chatd.session.ana.0",
        `chatd.session.ana.${"0".repeat(32)}`,
        "inbox.ana",
        `chatd.session.ana.${session.queue.slice(-32)}`,
      ]
    ) {
      // RabbitMQ 4.2.6 and 4.3.0 ask for a right first.
      const answer = await mallory.attempt((channel) => channel.checkQueue(queue));
      assert.match(answer, /404.*NOT.FOUND|403.*ACCESS.REFUSED/, queue);
    }
  });

  await step("finds no password out where the broker asks, without the secret", async () => {
    const answers = [];
    for (const path of ["/user", "/auth/user", "/a-secret/user", "//user", "/a-secret-of-test/user"]) {
      for (const tried of [password, "wrong password"]) {
        const body = new URLSearchParams({ username: "ana", password: tried });
        const response = await fetch(`http://127.0.0.1:${broker.authPort}${path}`, { method: "POST", body });
        answers.push(`${response.status} ${await response.text()}`);
      }
    }
    assert.deepEqual([...new Set(answers)], ["404 "]);
  });

  await step("cannot send messages that are too long", async () => {
    const refused = await mallory.attempt((channel) =>
      channel.publish(requestExchange, requestQueue, Buffer.alloc(65 * 1024), { userId: "mallory" })
    );
    assert.match(refused, /406.*PRECONDITION.FAILED/);
  });

  await step("gets an answer to garbage of every content type", async () => {
    const random = crypto.getRandomValues(new Uint8Array(4_000));
    const bodies = [
      new Uint8Array(),
      random,
      new Uint8Array(64 * 1024),
      Buffer.from("[".repeat(60_000)),
      Buffer.from('{"requests":'.repeat(4_000)),
      Buffer.from("null"),
      Buffer.from('{"requests":[{"id":1e400}]}'),
      Buffer.from('{"__proto__":{"x":1}}'),
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
    ];
    const types = [
      "application/x-protobuf",
      "application/json",
      "text/plain",
      "application/json; charset=utf-16",
      "",
      "\u0000",
      "x".repeat(200),
    ];
    for (const body of bodies) {
      for (const contentType of types) {
        assert.notEqual(await mallory.refusal(body, { contentType }), "", `${contentType} ${body.length}`);
      }
    }
    assert.equal(await mallory.refusal(random, { contentEncoding: "gzip" }), "invalid_argument");
    const { properties } = await mallory.ask(random, { type: "chatd.v1.LogInRequest" });
    assert.equal(properties.type, messageTypes.error);
    for (const type of ["chatd.v1.ServerFrame", "x".repeat(255), "__proto__", ""]) {
      await mallory.ask(random, { type, headers: { [connectionHeader]: { nested: ["table"] } } });
    }
  });

  await step("has no use for another's session id", async () => {
    const { client: trudy, session: theirs } = await scene.join("trudy");
    await using _closing = trudy;
    const content = message(mallory, "ben", "in trudy's name");
    assert.equal(await mallory.refusal(content, mallory.inSession(theirs)), "unavailable");
    assert.equal(await mallory.refusal(content, mallory.inSession({ secret: "0".repeat(32) })), "unavailable");
    assert.match(await mallory.attempt((channel) => channel.consume(theirs.queue, () => {})), /403/);
    assert.equal(
      (await scene.server.chat.history("trudy", historyRequest({ with: "ben", limit: 10 }))).messages.length,
      0,
    );
    assert.equal(await trudy.listConversations(theirs), "listConversations");
  });

  await step("cannot say hello, log in or try passwords in another's name", async () => {
    const { token: trudys } = await scene.logIn("trudy");
    assert.equal(await mallory.hello(trudys), undefined);
    await assert.rejects(scene.connect("mallory", trudys), /403/);
    await assert.rejects(scene.connect("chatd", token), /403/);
    await assert.rejects(scene.connect("guest", "guest"), /403/);
    await assert.rejects(connectAs(`${broker.node.amqpUrl("mallory", password)}/other`), /ConnectionClose/);
  });

  await step("is let in nowhere else: not in the broker's management, not in another virtual host", async () => {
    const headers = { authorization: `Basic ${btoa(`mallory:${password}`)}` };
    for (const path of ["/api/overview", "/api/connections", "/api/queues", "/api/definitions"]) {
      const response = await fetch(broker.node.managementUrl + path, { headers });
      await response.body?.cancel();
      assert.equal(response.status, 401, path);
    }
  });

  await step("has no use for a token after it logged out, nor for its session id", async () => {
    const { client: oscar, session: was, token: old } = await scene.join("oscar");
    await using _closing = oscar;
    const identity = await accounts.authenticate(old);
    await accounts.logOut(identity);
    // The connection may live on, as this client named none.
    assert.equal(await oscar.refusal(message(oscar, "ben", "late"), oscar.inSession(was)), "unavailable");
    assert.equal(await oscar.hello(old), undefined);
    await assert.rejects(scene.connect("oscar", old), /403/);
    assert.equal(
      (await scene.server.chat.history("oscar", historyRequest({ with: "ben", limit: 10 }))).messages.length,
      0,
    );
  });

  await step("is thrown out when it is disabled, however busy, and refused before that", async () => {
    const { client: oscar, session: own } = await scene.join("oscar");
    await using _closing = oscar;
    let stop = false;
    const busy = (async () => {
      while (!stop && oscar.connection.isOpen) {
        await oscar.publish(message(oscar, "ben", "spam"), oscar.inSession(own)).catch(() => stop = true);
      }
    })();
    const history = () => scene.server.chat.history("oscar", historyRequest({ with: "ben", limit: 1 }));
    await eventually(async () => (await history()).messages.length > 0);
    await accounts.disable("oscar");
    const last = (await history()).messages[0].seq;
    await eventually(() => !oscar.connection.isOpen, () => "the connection is closed");
    stop = true;
    await busy;
    assert.match(await oscar.connection.closed, thrownOut);
    const accepted = (await history()).messages[0].seq - last;
    assert.ok(accepted <= 256, `${accepted} sends were accepted after disable(): more than were in flight`);
    await assert.rejects(scene.connect("oscar"), /403/);
    // ben heard the spam that was accepted.
    scene.ben.received.length = 0;
  });

  await step("is a stranger who gets one registration, is then thrown out, and has no answer elsewhere", async () => {
    await using stranger = await scene.connect(registrationUser, "open");
    const content = (user: string) => RegisterRequest.encode({ user, password, invite: "", deviceName: "" }).finish();
    const options = { type: messageTypes.register };
    const request = stranger.frame({ $case: "listConversations", value: { limit: 0, beforePosition: 0 } });
    assert.match(
      await stranger.attempt((channel) => channel.publish(requestExchange, requestQueue, Buffer.from(request))),
      /403.*ACCESS.REFUSED/,
    );
    await stranger.publish(content("nemo"), { ...options, replyTo: undefined }, registrationExchange);
    const first = await stranger.ask(content("victor"), options, registrationExchange);
    assert.equal(first.properties.type, messageTypes.registered);
    assert.match(await stranger.connection.closed, /CONNECTION.FORCED/);
    assert.equal(await accounts.findUser("nemo"), undefined);
  });

  await step("floods the server with logins, and others' sessions go on", async () => {
    const { node } = broker;
    const before = memory(node.pid);
    const { token: anasToken } = await scene.logIn("ana");
    const refusals: string[] = [];
    let isOver = false;
    const flood = Promise.all(Array.from({ length: 24 }, async (_, lane) => {
      for (let i = 0; i < 4; i++) {
        const name = lane % 2 === 0 ? "ana" : `name${lane}-${i}`;
        await connectAs(node.amqpUrl(name, `guess ${lane} ${i}`)).then(
          () => refusals.push("none"),
          (error: Error) => refusals.push(error.message),
        );
      }
    })).finally(() => isOver = true);
    for (let round = 0; !isOver; round++) {
      await scene.chatGoesOn();
      if (round % 20 > 0) continue;
      // Who has a token is not held up by those who guess.
      await within(slowestMs, scene.connect("ana", anasToken).then((client) => client[Symbol.asyncDispose]()));
    }
    await flood;
    assert.equal(refusals.length, 96);
    for (const refusal of refusals) assert.match(refusal, /403|ConnectionClose/);
    assertGrowth(before, memory(node.pid));
  });

  await step("floods the server with registrations, which hold nobody else up", async () => {
    const { node } = broker;
    const before = memory(node.pid);
    const strangers = await Promise.all([1, 2, 3].map(() => connectAs(node.amqpUrl(registrationUser, "open"))));
    const channels = await Promise.all(strangers.map(({ model }) => model.createConfirmChannel()));
    let refused = 0;
    const content = Buffer.from(RegisterRequest.encode({ user: "x", password, invite: "", deviceName: "" }).finish());
    const options = { userId: registrationUser, type: messageTypes.register };
    for (let round = 0; round < 10; round++) {
      for (const channel of channels) {
        for (let i = 0; i < 200; i++) {
          channel.publish(registrationExchange, registrationQueue, content, options, (error) => {
            if (error) refused++;
          });
        }
      }
      await scene.chatGoesOn();
    }
    await Promise.all(channels.map((channel) => channel.waitForConfirms().catch(() => {})));
    assert.ok(refused > 0, "the broker took all of them");
    for (const stranger of strangers) await stranger[Symbol.asyncDispose]();
    assertGrowth(before, memory(node.pid));
  });

  await step(
    "floods the server without a user_id, is found out, and is thrown out while others' sessions go on",
    async () => {
      const { node } = broker;
      const before = memory(node.pid);
      const { client: nick } = await scene.join("nick");
      await using stranger = await scene.connect(registrationUser, "open");
      await using _closing = nick;
      const content = new Uint8Array(500);
      const flood = async (client: RawAmqpClient, exchange: string) => {
        const options = { userId: undefined, replyTo: undefined };
        const end = performance.now() + 120_000;
        while (client.connection.isOpen && performance.now() < end) {
          const batch = Array.from({ length: 200 }, () => client.publish(content, options, exchange).catch(() => {}));
          await Promise.race([Promise.all(batch), client.connection.closed]);
        }
      };
      let isOver = false;
      const floods = Promise.all([flood(nick, requestExchange), flood(stranger, registrationExchange)])
        .finally(() => isOver = true);
      while (!isOver) await scene.chatGoesOn();
      await floods;
      assert.ok(!nick.connection.isOpen && !stranger.connection.isOpen, "they were not found out");
      assert.match(await nick.connection.closed, thrownOut);
      assert.match(await stranger.connection.closed, thrownOut);
      assertGrowth(before, memory(node.pid));
      const isTracing = async () => (await scene.management.get("/api/vhosts/%2F") as { tracing: boolean }).tracing;
      await eventually(async () => !await isTracing(), () => "tracing is over");
    },
  );

  await step("floods the server with requests, and is thrown out while others' sessions go on", async () => {
    const { node } = broker;
    const before = memory(node.pid);
    const { client: trudy, session: own } = await scene.join("trudy");
    await using _closing = trudy;
    const content = message(trudy, "mallory", "x".repeat(1_000));
    let published = 0;
    const flood = (async () => {
      while (trudy.connection.isOpen && published < 200_000) {
        const batch = Array.from({ length: 200 }, () => trudy.publish(content, trudy.inSession(own)).catch(() => {}));
        published += batch.length;
        await Promise.race([Promise.all(batch), trudy.connection.closed]);
      }
    })();
    while (trudy.connection.isOpen) await scene.chatGoesOn();
    await flood;
    assert.match(await trudy.connection.closed, thrownOut);
    assert.ok(published < 200_000, "nobody stopped the flood");
    assertGrowth(before, memory(node.pid));
  });
});

interface Memory {
  readonly server: number;
  readonly broker: number;
}

/** Resident, in MiB. The server runs in this process. */
function memory(brokerPid: number): Memory {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${brokerPid}/status`))!;
  return { server: Deno.memoryUsage().rss / 2 ** 20, broker: Number(kilobytes) / 1024 };
}

async function within(deadlineMs: number, task: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it took longer than ${deadlineMs} ms`)), deadlineMs);
  await Promise.race([task, late]).finally(() => clearTimeout(timer));
}

function assertGrowth(before: Memory, after: Memory): void {
  for (const name of ["server", "broker"] as const) {
    const growth = after[name] - before[name];
    assert.ok(growth < growthMiB, `the ${name} grew by ${growth.toFixed()} MiB`);
  }
}
