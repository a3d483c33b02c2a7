/** The rig for hostile clients, with or without a valid account, against a real broker and a real server. */
import assert from "node:assert/strict";
import { BrokerManagement } from "../../../src/amqp/broker/broker_management.ts";
import { BrokerWatch } from "../../../src/amqp/broker/broker_watch.ts";
import { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { silentLog } from "../../../src/core/log.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { ScryptHasher } from "../../../src/host/scrypt_hasher.ts";
import { startTestAmqpServer, type TestAmqpServer, type TestBroker } from "../../support/brokers/amqp_server.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { Pace } from "../../support/waiting/pace.ts";
import { join, type Person } from "../../support/servers/person.ts";
import { RawAmqpClient, type RawSession } from "../../support/brokers/raw_amqp_client.ts";
import { sendRequest } from "../../support/servers/wire_values.ts";

/** The error of the broker, or of the system, which may discard it while the client still writes. */
export const thrownOut = /CONNECTION.FORCED|ECONNRESET|EPIPE/;

export const password = "correct horse battery";
/** Largest growth of the server's or broker's memory during a flood. */
const growthMiB = 150;

/** A broker, a server, the chatting users ana and ben, and the accounts of hostile clients. */
export class Scene implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly server: TestAmqpServer;
  readonly management: BrokerManagement;
  readonly ana: Person;
  readonly ben: Person;
  readonly #watch: BrokerWatch;
  #pace!: Pace;

  private constructor(scene: Pick<Scene, "broker" | "server" | "management" | "ana" | "ben">, watch: BrokerWatch) {
    ({ broker: this.broker, server: this.server, management: this.management, ana: this.ana, ben: this.ben } = scene);
    this.#watch = watch;
  }

  static async open(): Promise<Scene> {
    const broker = await borrowTestBroker();
    const { node } = broker;
    const login = { user: node.user, password: node.password };
    const management = new BrokerManagement({ url: node.managementUrl, login, log: silentLog });
    const refused = new RefusedLogins({ clock: systemClock });
    const server = await startTestAmqpServer(broker, {
      refused,
      kick: (target) => void management.kick(target),
      closeConnection: (name) => void management.closeConnection(name),
      whileTracing: (look) => management.whileTracing("/", look),
      flood: { perSecond: 200, burst: 1_000 },
      hasher: new ScryptHasher(),
    });
    const { accounts } = server.chat;
    management.guard(accounts);
    const isAccount = async (user: string) => await accounts.findUser(user) !== undefined;
    const watched = {
      management,
      vhost: "/",
      log: silentLog,
      refused,
      serverUser: node.user,
      isAccount,
      lacksMemory: () => false,
    };
    const watch = new BrokerWatch(watched);
    watch.start();
    const [ana, ben] = [await join("ana", server.transport("ana")), await join("ben", server.transport("ben"))];
    for (const name of ["mallory", "trudy", "oscar", "nick"]) await accounts.addUser({ name, password });
    const scene = new Scene({ broker, server, management, ana, ben }, watch);
    scene.#pace = await Pace.measure("a message from ana to ben", () => scene.#chat());
    return scene;
  }

  logIn(user: string) {
    return this.server.chat.accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "127.0.0.1" });
  }

  connect(user: string, secret = password, name?: string): Promise<RawAmqpClient> {
    return RawAmqpClient.connect(this.broker.node.amqpUrl(user, secret), name);
  }

  /** Measures the login of a device whose token the server knows. */
  async paceOfLogin(user: string): Promise<Pace> {
    const { token } = await this.logIn(user);
    const logIn = async () => await (await this.connect(user, token))[Symbol.asyncDispose]();
    return await Pace.measure(`a login of ${user} with a token`, logIn, { rounds: 3 });
  }

  /** A hostile client with its own session. */
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

  /** Returns how to define steps of a test: during and after each, the others chat nearly as quickly as before. */
  steps(t: Deno.TestContext) {
    return (behaviour: string, run: () => Promise<void>) =>
      t.step(behaviour, async () => {
        await run();
        await this.chatGoesOn();
        this.#pace.assertKept();
      });
  }

  /** Checks that ana and ben still reach each other, and receive nothing else. */
  async chatGoesOn(): Promise<void> {
    await this.#pace.repeat();
  }

  async #chat(): Promise<void> {
    const text = crypto.randomUUID();
    const heard = this.ben.received.length;
    const sent = this.ana.client.send("ben", text);
    await eventually(() => this.ben.received.at(-1)?.text === text, () => "a message from ana to ben");
    await sent;
    assert.deepEqual(this.ben.received.slice(heard).map(({ sender }) => sender), ["ana"]);
    assert.deepEqual(this.ana.received, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.ana.stop(), this.ben.stop()]);
    await this.#watch[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await this.management.close();
    await this.broker[Symbol.asyncDispose]();
  }
}

export function message(client: RawAmqpClient, to: string, text: string): Uint8Array {
  const id = createMessageId(Date.now());
  return client.frame({ $case: "send", value: sendRequest({ to, id, text }) });
}

export interface Memory {
  readonly server: number;
  readonly broker: number;
}

/** Resident memory, in MiB. The server runs in this process. */
export function memory(brokerPid: number): Memory {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${brokerPid}/status`))!;
  return { server: Deno.memoryUsage().rss / 2 ** 20, broker: Number(kilobytes) / 1024 };
}

export function assertGrowth(before: Memory, after: Memory): void {
  for (const name of ["server", "broker"] as const) {
    const growth = after[name] - before[name];
    assert.ok(growth < growthMiB, `the ${name} grew by ${growth.toFixed()} MiB`);
  }
}
