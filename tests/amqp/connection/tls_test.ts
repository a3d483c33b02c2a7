import assert from "node:assert/strict";
import { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { freePorts } from "../../support/processes/free_ports.ts";
import { RabbitNode } from "../../support/brokers/rabbitmq_node.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

Deno.test("a broker with TLS is trusted with its CA, and not without it", async () => {
  const certificates = await createCertificates();
  using folder = temporaryFolder();
  const file = (name: string, pem: string) => {
    Deno.writeTextFileSync(`${folder.path}/${name}`, pem);
    return `${folder.path}/${name}`;
  };
  const [port] = await freePorts(1);
  await using node = await RabbitNode.start({
    config: [
      `listeners.ssl.default = 127.0.0.1:${port}`,
      `ssl_options.cacertfile = ${file("ca.pem", certificates.authority)}`,
      `ssl_options.certfile = ${file("cert.pem", certificates.server.certificate)}`,
      `ssl_options.keyfile = ${file("key.pem", certificates.server.key)}`,
    ],
  });
  const login = { user: node.user, password: node.password };
  const secure = { tls: true, host: "localhost", port, vhost: "/" };
  const open = (broker: typeof secure, ca?: string) => BrokerConnection.open({ broker, login, ca, name: "a test" });

  await using connection = await open(secure, certificates.authority);
  await (await connection.channel(() => {})).checkExchange("amq.direct");

  const untrusted = await rejectsWith("unavailable", open(secure));
  assert.match(untrusted.message, /certificate that is not trusted: .* --ca/);
  Deno.env.set("NODE_TLS_REJECT_UNAUTHORIZED", "0");
  try {
    const stillUntrusted = await rejectsWith("unavailable", open(secure));
    assert.equal(stillUntrusted.message, untrusted.message);
  } finally {
    Deno.env.delete("NODE_TLS_REJECT_UNAUTHORIZED");
  }
  const plain = await rejectsWith("unavailable", open({ ...secure, port: node.amqpPort }, certificates.authority));
  assert.match(plain.message, /does not speak TLS there/);
});
