import assert from "node:assert/strict";
import { RefusedLogins } from "../../../src/amqp/broker/refused_logins.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { startTestAmqpServer } from "../../support/brokers/amqp_server.ts";
import { connectAs } from "../../support/brokers/amqp_user.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { openManagement, watchBroker } from "../../support/brokers/managed_broker.ts";
import { methodFrame, RawBrokerSocket } from "../../support/brokers/raw_broker_socket.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";
const password = "correct horse battery";
Deno.test("a connection with a transactional channel is closed, and its user is refused for a while", async () => {
  await using broker = await borrowTestBroker();
  const { node } = broker;
  const refused = new RefusedLogins({ clock: systemClock });
  await using chatd = await startTestAmqpServer(broker, { refused });
  const { accounts } = chatd.chat;
  for (const name of ["ana", "mallory"]) await accounts.addUser({ name, password });
  await using management = openManagement(broker);
  await using _watch = watchBroker(chatd, { broker, management, refused });
  await using ana = await connectAs(node.amqpUrl("ana", password));
  using transaction = new RawBrokerSocket(node.amqpPort, { user: "mallory", password });
  // tx.select, which amqplib does not support.
  transaction.write(methodFrame(1, [90, 10]));
  await eventually(() => transaction.isClosed, () => "the connection is closed");
  await assert.rejects(connectAs(node.amqpUrl("mallory", password)), /Expected ConnectionOpenOk/);
  await (await ana.model.createChannel()).close();
  assert.ok(ana.isOpen);
});
