/** The commands for scripts over RabbitMQ. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startTestAmqpServer } from "../support/brokers/amqp_server.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { jsonLines, scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const echoBot = fileURLToPath(new URL("../../examples/echo_bot.sh", import.meta.url));

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

Deno.test("over RabbitMQ too, scripts log in, send, read, and answer", async () => {
  using folder = temporaryFolder();
  await using _chatd = await startTestAmqpServer(broker);
  const place = ["--via", "amqp", "--broker", `amqp://127.0.0.1:${broker.node.amqpPort}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder: folder.path, place }));
  for (const user of [ana, ben]) {
    const { code, stderr } = await user.register();
    assert.equal(code, 0, stderr);
  }
  const profiles = jsonLines((await ana.run(["profiles", "--json"])).stdout);
  assert.deepEqual(profiles.map(({ via, user }) => [via, user]), [["amqp", "ana"]]);

  await using bot = ben.start("bot", "--exec", echoBot);
  await bot.line(/answers as ben/);
  const history = async () => jsonLines((await ana.run(["history", "--with", "ben", "--json"])).stdout);
  await eventually(async () => {
    const sent = await ana.run(["send", "--to", "ben", "--json"], "hello\n");
    assert.deepEqual([sent.code, jsonLines(sent.stdout)[0].text], [0, "hello"], sent.stderr);
    return (await history()).some(({ automatic, text }) => automatic && text === "ana said: hello");
  });
  bot.kill("SIGTERM");
  assert.equal((await bot.status).code, 0, bot.lines.join("\n"));

  const first = await ana.run(["tail", "--json", "--since", "1h", "--count", "1"]);
  assert.deepEqual([first.code, jsonLines(first.stdout)[0].seq], [0, "1"], first.stderr);
  const second = await ana.run(["tail", "--json", "--count", "1"]);
  assert.deepEqual([second.code, jsonLines(second.stdout)[0].seq], [0, "2"], second.stderr);
  const users = await ben.run(["users", "--json"]);
  assert.deepEqual(jsonLines(users.stdout).map(({ name }) => name), ["ana", "ben"]);

  for (const args of [["rooms", "create", "ops"], ["rooms", "members", "#ops"], ["devices"]]) {
    const { code, stderr } = await ana.run(args);
    assert.equal(code, 0, stderr);
  }
  assert.equal((await ben.run(["send", "--to", "#ops", "--join", "by send"])).code, 0);
  for (const args of [["chat", "#ops"], ["amqp-client", "--profile", "default", "--to", "#ops"]]) {
    const { code, stderr } = await ben.run(args, `by ${args[0]}\n/leave\n`);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^chatd: line 2: \/leave is a command/);
  }
  const room = jsonLines((await ana.run(["history", "--with", "#ops", "--json"])).stdout);
  assert.deepEqual(room.map(({ text }) => text), ["by send", "by chat", "by amqp-client"]);
  const changed = await ana.run(["passwd"], `${scriptPassword}\nanother password\n`);
  assert.equal(changed.code, 0, changed.stderr);

  assert.equal((await ana.run(["logout"])).code, 0);
  assert.equal((await ana.run(["send", "--to", "ben", "hello"])).code, 3);
});
