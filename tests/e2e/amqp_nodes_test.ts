/** Two nodes of one database on one RabbitMQ, whose questions go through a load balancer. */
import assert from "node:assert/strict";
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { databaseEnvironment } from "../support/databases/database_url.ts";
import { openTemporarySchema } from "../support/databases/temporary_schema.ts";
import { Child } from "../support/processes/child_process.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { FailoverProxy } from "../support/proxies/failover_proxy.ts";
import { essence, join, until } from "../support/servers/person.ts";

const inFlight = 16;
const byPosition = (one: Message, other: Message) => one.position - other.position;

for (const signal of ["SIGKILL", "SIGSTOP", "SIGTERM"] as const) {
  Deno.test(`another node takes over the clients on RabbitMQ after ${signal}, and nothing accepted is lost`, async () => {
    await using broker = await borrowTestBroker();
    await using schema = await openTemporarySchema();
    using folder = temporaryFolder();
    const secretFile = `${folder.path}/secret`;
    Deno.writeTextFileSync(secretFile, broker.secret);
    const ports = await freePorts(2);
    // A node that stands by does not answer the broker, and a frozen one still accepts connections.
    await using _balancer = new FailoverProxy({ port: broker.authPort, to: ports.toReversed() });
    const start = (node: string, port: number) =>
      new Child({
        args: [
          ...["amqp-server", "--data", `${folder.path}/${node}`, "--node", node, "--no-supervise"],
          ...["--broker-auth-listen", `127.0.0.1:${port}`, "--broker-auth-secret-file", secretFile],
          ...["--amqp-registration", "--rate", "100000", "--burst", "100000"],
        ],
        env: { ...databaseEnvironment(schema.access), CHATD_BROKER: broker.node.amqpUrl() },
      });
    await using first = start("one", ports[0]);
    await first.line(/^data in/);
    await using second = start("two", ports[1]);
    await second.line(/this one stands by/);
    const transport = (user: string) => new AmqpTransport({ broker: broker.address, user });
    const [ana, ben] = [await join("ana", transport("ana")), await join("ben", transport("ben"))];
    let loading = true;
    let sent = 0;
    const send = async () => {
      while (loading) await ana.client.send("ben", `line ${sent++}`);
    };
    const load = Promise.all(Array.from({ length: inFlight }, send));
    await until(() => ana.accepted.length >= 100);
    first.kill(signal);
    await second.line(/this node has taken over/);
    const taken = ana.accepted.length;
    await until(() => ana.accepted.length > taken + inFlight);
    loading = false;
    await load;
    await until(() => ben.received.length >= ana.accepted.length);
    assert.deepEqual(ben.received.map(essence), ana.accepted.toSorted(byPosition).map(essence));
    await Promise.all([ana.stop(), ben.stop()]);
  });
}
