import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import { startTestBroker } from "../support/brokers/amqp_server.ts";
import { Child } from "../support/processes/child_process.ts";
import { join } from "../support/servers/person.ts";
import { RawAmqpClient } from "../support/brokers/raw_amqp_client.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

Deno.test("no password, token, secret or text of AMQP is in the log of chatd or of the broker", async () => {
  await using broker = await startTestBroker();
  const { node } = broker;
  using folder = temporaryFolder();
  const secretFile = `${folder.path}/secret`;
  Deno.writeTextFileSync(secretFile, broker.secret);
  await using server = new Child({
    args: [
      ...["amqp-server", "--data", `${folder.path}/data`, "--no-supervise"],
      ...["--broker-auth-listen", `127.0.0.1:${broker.authPort}`, "--broker-auth-secret-file", secretFile],
      ...["--broker-management", node.managementUrl, "--amqp-registration"],
    ],
    env: { CHATD_BROKER: node.amqpUrl() },
  });
  await server.line(/serves at/);
  const transport = new AmqpTransport({ broker: broker.address, user: "ana" });
  const ana = await join("ana", transport);
  await ana.client.send("ana", "a secret of mine");
  const { token } = await ana.client.changePassword("correct horse battery", "staple of battery");
  const logIn = { user: "ana", deviceName: "", deviceId: "" };
  await assert.rejects(transport.logIn({ ...logIn, password: "wrong guess 17" }, {}), { code: "unauthenticated" });
  await assert.rejects(transport.logIn({ ...logIn, user: "hunter2.in.the.wrong.field", password: "x".repeat(12) }, {}));
  const { credentials } = await transport.logIn({ ...logIn, password: "staple of battery" }, {});
  const raw = await RawAmqpClient.connect(node.amqpUrl("ana", credentials!.token));
  const session = await raw.hello(credentials!.token);
  assert.ok(session);
  await raw.publish(new TextEncoder().encode("garbage of mine"), raw.inSession(session));
  await raw.publish(new TextEncoder().encode("garbage of mine"));
  await raw[Symbol.asyncDispose]();
  await ana.client.logOut();
  await ana.stop();
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);

  const said = server.lines.join("\n");
  assert.match(said, /session started/);
  const passwords = ["correct horse battery", "staple of battery", "wrong guess 17", node.password, broker.secret];
  const texts = ["a secret of mine", "garbage of mine"];
  for (const secret of [...passwords, ...texts, token, credentials!.token, session.secret, "hunter2"]) {
    assert.ok(!said.includes(secret), `the log has ${JSON.stringify(secret)}`);
  }
  // The broker logs the names that people try.
  for (const secret of [...passwords, ...texts, token, credentials!.token, session.secret]) {
    assert.ok(!node.log.includes(secret), `the broker's log has ${JSON.stringify(secret)}`);
  }
});
