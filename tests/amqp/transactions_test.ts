import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect as connectSocket } from "node:net";
import { BrokerManagement } from "../../src/amqp/broker_management.ts";
import { BrokerWatch } from "../../src/amqp/broker_watch.ts";
import { RefusedLogins } from "../../src/amqp/refused_logins.ts";
import { systemClock } from "../../src/core/clock.ts";
import { silentLog } from "../../src/core/log.ts";
import { connectAs } from "../support/amqp_user.ts";
import { startTestAmqpServer, startTestBroker } from "../support/amqp_server.ts";
import { eventually } from "../support/eventually.ts";

const password = "correct horse battery";
const end = 0xce;

function method(channel: number, [classId, methodId]: [number, number], body: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(11);
  head.writeUInt8(1, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(body.length + 4, 3);
  head.writeUInt16BE(classId, 7);
  head.writeUInt16BE(methodId, 9);
  return Buffer.concat([head, body, Buffer.from([end])]);
}

/** Opens a transaction over a socket of its own, as amqplib cannot. @returns whether the broker has closed it */
function openTransaction(port: number, user: string): { isClosed(): boolean; end(): void } {
  const long = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  const short = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const start = Buffer.concat([long(""), short("PLAIN"), long(`\0${user}\0${password}`), short("en_US")]);
  const socket = connectSocket(port, "127.0.0.1");
  let isClosed = false;
  socket.on("close", () => isClosed = true);
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => {
    // connection.close
    if (bytes.toString("latin1").includes("\0\x0a\0\x32")) socket.end(method(0, [10, 51]));
  });
  socket.write(Buffer.from([65, 77, 81, 80, 0, 0, 9, 1]));
  socket.write(method(0, [10, 11], start));
  socket.write(method(0, [10, 31], Buffer.from([0, 8, 0, 0, 32, 0, 0, 0])));
  socket.write(Buffer.concat([method(0, [10, 40], Buffer.concat([short("/"), Buffer.from([0, 0])]))]));
  socket.write(Buffer.concat([method(1, [20, 10], short("")), method(1, [90, 10])]));
  return { isClosed: () => isClosed, end: () => socket.destroy() };
}

Deno.test("a connection with a transactional channel is closed, and its user is not let in for a while", async () => {
  await using broker = await startTestBroker();
  const { node } = broker;
  const refused = new RefusedLogins({ clock: systemClock });
  await using chatd = await startTestAmqpServer(broker, { refused });
  const { accounts } = chatd.chat;
  for (const name of ["ana", "mallory"]) await accounts.addUser({ name, password });
  const login = { user: node.user, password: node.password };
  await using management = new BrokerManagement({ url: node.managementUrl, login, log: silentLog });
  await using watch = new BrokerWatch({
    management,
    vhost: "/",
    log: silentLog,
    refused,
    isAccount: async (user) => await accounts.findUser(user) !== undefined,
  });
  watch.start();
  await using ana = await connectAs(node.amqpUrl("ana", password));
  const transaction = openTransaction(node.amqpPort, "mallory");
  try {
    await eventually(() => transaction.isClosed(), () => "the connection is closed");
    await assert.rejects(connectAs(node.amqpUrl("mallory", password)), /Expected ConnectionOpenOk/);
    await (await ana.model.createChannel()).close();
    assert.ok(ana.isOpen);
  } finally {
    transaction.end();
  }
});
