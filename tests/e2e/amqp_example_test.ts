import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startTestAmqpServer } from "../support/brokers/amqp_server.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import { requireDebianPackages } from "../support/processes/debian_package.ts";
import { join, until } from "../support/servers/person.ts";

const example = fileURLToPath(new URL("../../examples/amqp_chat.py", import.meta.url));
const password = "correct horse battery";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

function python(args: string[], CHATD_PASSWORD: string): Deno.ChildProcess {
  requireDebianPackages(["python3-pika"], "an example is written with it");
  return new Deno.Command("/usr/bin/python3", {
    args: [example, `127.0.0.1:${broker.node.amqpPort}`, ...args],
    env: { CHATD_PASSWORD },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("the example in Python logs in, sends, receives, and logs out", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const ben = await join("ben", chatd.transport("ben"));
  const { credentials } = await chatd.transport("ana").register(
    { user: "ana", password, invite: "", deviceName: "" },
    {},
  );
  const output = python(["ana", "ben", "Grüße, ben"], password).output();
  // A program that fails has said why.
  const failed = output.then(({ success, stderr }) => assert.ok(success, new TextDecoder().decode(stderr)));
  await Promise.race([until(() => ben.received.length === 1), failed]);
  assert.equal(ben.received[0].text, "Grüße, ben");
  await ben.client.send("ana", 'hi "ana" \u0007');
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stderr), "");
  assert.equal(code, 0);
  assert.equal(decoder.decode(stdout), 'accepted as number 1\nben: hi "ana" \u0007\n');
  const identity = await chatd.chat.accounts.authenticate(credentials!.token);
  assert.equal((await chatd.chat.accounts.listDevices(identity)).length, 1, "only the device of the registration");
  await ben.stop();
});

Deno.test("the example in Python is refused by the broker when the password is wrong", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await chatd.transport("ana").register({ user: "ana", password, invite: "", deviceName: "" }, {});
  const { code, stderr } = await python(["ana", "ben", "hello"], "wrong horse battery").output();
  assert.notEqual(code, 0);
  assert.match(new TextDecoder().decode(stderr), /ACCESS_REFUSED/);
});
