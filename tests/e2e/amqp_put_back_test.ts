/** A data folder that is replaced by an earlier copy of itself, with clients that reach its server over RabbitMQ. */
import assert from "node:assert/strict";
import { contentTypes } from "../../src/amqp/message_types.ts";
import { type Log, silentLog } from "../../src/core/log.ts";
import { startTestAmqpServer, type TestAmqpServer } from "../support/brokers/amqp_server.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import type { Child } from "../support/processes/child_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { RawAmqpClient } from "../support/brokers/raw_amqp_client.ts";
import { copyData, putBackData } from "../support/servers/put_back.ts";
import { ScriptUser } from "../support/processes/script_user.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const restoredNote = /^chatd: The server's data was put back to an earlier state/;
const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

/** A server whose data folder is copied and put back while it is down. */
class PutBackServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #logged: string[] = [];
  #chatd!: TestAmqpServer;

  constructor(folder: string) {
    this.#folder = folder;
    Deno.mkdirSync(`${folder}/data`, { mode: 0o700 });
  }

  get chat() {
    return this.#chatd.chat;
  }

  async start(): Promise<void> {
    const info = (event: string, details: unknown) => void this.#logged.push(`${event} ${JSON.stringify(details)}`);
    const log: Log = { ...silentLog, info };
    this.#chatd = await startTestAmqpServer(broker, { folder: `${this.#folder}/data`, log });
  }

  /** Sessions of this consumer that were begun. */
  sessionsOf(consumer: string): number {
    return this.#logged.filter((line) => line.includes(consumer)).length;
  }

  async copy(): Promise<void> {
    await this.#restart(() => copyData(this.#folder));
  }

  async putBack(): Promise<void> {
    await this.#restart(() => putBackData(this.#folder));
  }

  async #restart(whileDown: () => void): Promise<void> {
    await this.#chatd.stop({ inPeace: true });
    whileDown();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chatd[Symbol.asyncDispose]();
  }
}

/** The texts with this prefix that a tail printed. */
function printed({ lines }: Child, prefix: string): string[] {
  const texts = lines.filter((line) => line.startsWith("{")).map((line) => String(JSON.parse(line).text));
  return texts.filter((text) => text.startsWith(prefix));
}

/** The response to a hello in JSON, of a client that is not chatd's. */
async function hello(token: string, more: Record<string, unknown> = {}): Promise<Record<string, string>> {
  await using client = await RawAmqpClient.connect(broker.node.amqpUrl("ben", token));
  const value = { protocolVersion: 1, token, client: "a JSON client", ...more };
  const content = JSON.stringify({ requests: [{ id: 1, hello: value }] });
  const reply = await client.ask(new TextEncoder().encode(content), { contentType: contentTypes.json });
  return JSON.parse(reply.content.toString()).items[0].reply.hello;
}

Deno.test("over RabbitMQ, no client misses a message after its server's data was put back to an earlier state", async () => {
  using folder = temporaryFolder();
  await using server = new PutBackServer(folder.path);
  await server.start();
  const place = ["--via", "amqp", "--broker", `amqp://127.0.0.1:${broker.node.amqpPort}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder: folder.path, place }));
  for (const user of [ana, ben]) assert.equal((await user.register()).code, 0);
  const send = async (...texts: string[]) => {
    const { code, stderr } = await ana.run(["send", "--to", "ben", "--lines"], texts.join("\n"));
    assert.equal(code, 0, stderr);
  };
  const { token } = await server.chat.accounts.logIn({
    user: "ben",
    password: "correct horse battery",
    deviceName: "",
    deviceId: "",
    address: "test",
  });
  await using live = ben.start("tail", "--json", "--name", "live");
  await eventually(() => server.sessionsOf("tail:live") > 0);
  await send("old 1", "old 2", "old 3");
  await live.line(/old 3/);
  const { incarnation: kept } = await hello(token);
  const copied = server.chat.head;
  await server.copy();

  await send("lost 4", "lost 5");
  await live.line(/lost 5/);
  const before = await hello(token);
  assert.ok(kept && before.incarnation && kept !== before.incarnation);
  const position = server.chat.head;
  const { epoch } = before;
  await server.putBack();

  // A client that says no incarnation is told by another epoch while its position is beyond the head.
  const older = await hello(token, { resumeAfter: String(position), epoch });
  assert.notEqual(older.epoch, epoch);
  const fresh = ["new 1", "new 2", "new 3", "new 4"];
  await send(...fresh);
  await live.line(/new 4/);
  assert.deepEqual(printed(live, "new"), fresh);
  await live.line(restoredNote);
  assert.equal(live.lines.filter((line) => restoredNote.test(line)).length, 1);

  // The log of the first incarnation goes on where it was copied; the one that was put back never had the second.
  for (const [incarnation, shared] of [[kept, copied], [before.incarnation, 0]] as const) {
    const resumed = await hello(token, { resumeAfter: String(position), epoch, incarnation });
    assert.deepEqual([resumed.epoch, Number(resumed.sharedThrough ?? 0)], [epoch, shared]);
  }
});
