/** Two nodes of one database, on one RabbitMQ and behind one HAProxy. */
import { AmqpTransport } from "../../src/amqp/client/client_transport.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { databaseEnvironment } from "../support/databases/database_url.ts";
import { openTemporarySchema } from "../support/databases/temporary_schema.ts";
import { Child } from "../support/processes/child_process.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { ClusterProxy, type NodePorts } from "../support/proxies/cluster_proxy.ts";
import { MessageLoad, receivesAll, unlimited } from "../support/servers/message_load.ts";
import { join } from "../support/servers/person.ts";

for (const signal of ["SIGKILL", "SIGSTOP", "SIGTERM"] as const) {
  Deno.test(`clients on RabbitMQ and behind HAProxy go on at another node after ${signal}, and nothing is lost`, async () => {
    await using broker = await borrowTestBroker();
    await using schema = await openTemporarySchema();
    using folder = temporaryFolder();
    const secretFile = `${folder.path}/secret`;
    Deno.writeTextFileSync(secretFile, broker.secret);
    const [port, ...ports] = await freePorts(7);
    const nodes = [0, 3].map((first): NodePorts => {
      const [grpc, auth, metrics] = ports.slice(first);
      return { grpc, auth, metrics };
    });
    const start = (node: string, { grpc, auth, metrics }: NodePorts) =>
      new Child({
        args: [
          ...["serve", "--data", `${folder.path}/${node}`, "--node", node, "--no-supervise"],
          ...["--listen", `127.0.0.1:${grpc}`, "--metrics-listen", `127.0.0.1:${metrics}`],
          ...["--broker-auth-listen", `127.0.0.1:${auth}`, "--broker-auth-secret-file", secretFile],
          ...["--amqp-registration", ...unlimited],
        ],
        env: { ...databaseEnvironment(schema.access), CHATD_BROKER: broker.node.amqpUrl() },
      });
    await using _proxy = await ClusterProxy.start({
      port,
      authPort: broker.authPort,
      nodes: [nodes[0], nodes[1]],
      folder: folder.path,
    });
    await using first = start("one", nodes[0]);
    await first.line(/transport serving/);
    await using second = start("two", nodes[1]);
    await second.line(/this one stands by/);
    const ana = await join("ana", new AmqpTransport({ broker: broker.address, user: "ana" }));
    const ben = await join("ben", new Http2Transport({ host: "127.0.0.1", port, callback: false }));
    const load = new MessageLoad(ana, { to: "ben" });
    await load.accepts(100);
    first.kill(signal);
    await second.line(/this node has taken over/);
    await load.goesOn();
    await load.stop();
    await receivesAll(ben, ana);
    await Promise.all([ana.stop(), ben.stop()]);
  });
}
