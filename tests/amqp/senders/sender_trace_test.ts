/** Offenders whose messages do not identify their connection: strangers share one login and one name. */
import assert from "node:assert/strict";
import type { ConsumeMessage } from "amqplib";
import { undecodableMark } from "../../../src/amqp/connection/header_frames.ts";
import { messageTypes } from "../../../src/amqp/message_types.ts";
import { maxOfStranger, offenders } from "../../../src/amqp/senders/sender_trace.ts";
import { directReplies, registrationExchange, registrationUser } from "../../../src/amqp/topology.ts";
import { RegisterRequest } from "../../../src/gen/chatd/v1/auth.ts";
import { genuineAddress, impossibleAddress } from "../../support/brokers/direct_addresses.ts";
import { eventually } from "../../support/waiting/eventually.ts";
import { startManagedServer } from "../../support/brokers/managed_broker.ts";
import { RawAmqpClient } from "../../support/brokers/raw_amqp_client.ts";
import { borrowTestBroker } from "../../support/brokers/borrowed_broker.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

const name = RegisterRequest.encode({ user: "victor", password: "", invite: "", deviceName: "" }).finish();
const honest = { type: messageTypes.register };

const connect = () => RawAmqpClient.connect(broker.node.amqpUrl(registrationUser, "open"));

/** Repeats an offence until the broker has closed its connection; another stranger's stays open. */
async function isThrownOut(offend: (offender: RawAmqpClient) => Promise<void>): Promise<void> {
  await using _server = await startManagedServer(broker);
  await using other = await connect();
  await using offender = await connect();
  await eventually(async () => {
    if (offender.connection.isOpen) await offend(offender).catch(() => {});
    return !offender.connection.isOpen;
  }, () => "the offender's connection is closed");
  await (await other.connection.model.createChannel()).close();
  assert.ok(other.connection.isOpen);
}

Deno.test("a stranger who forges reply addresses is disconnected, and no other stranger is", async () => {
  const replyTo = impossibleAddress(await genuineAddress(broker.node.amqpUrl()));
  await isThrownOut((offender) => offender.publish(name, { ...honest, replyTo }, registrationExchange));
});

Deno.test("a trace distinguishes offending strangers from honest ones, and offending users by name", () => {
  const address = (connection: string) => `${directReplies}.${connection}`;
  const channels = {
    isEmpty: false,
    at: (replyTo: string) => {
      const connection = replyTo.slice(directReplies.length + 1);
      return connection === ""
        ? undefined
        : { user: registrationUser, connection: { id: connection, name: connection } };
    },
  };
  const copy = (user: string, connection: string, properties: Record<string, unknown>) =>
    ({ properties: { headers: { user, connection, properties } } }) as unknown as ConsumeMessage;
  const stranger = (connection: string, more: Record<string, unknown> = {}) =>
    copy(registrationUser, connection, { user_id: registrationUser, reply_to: address(connection), ...more });
  // Copies of messages with deeply nested tables lose their own tables: see header_frames_test.ts.
  const unreadable = (user: string, connection: string) =>
    ({ properties: { headers: { user, connection }, [undecodableMark]: true } }) as unknown as ConsumeMessage;
  const copies = [
    unreadable(registrationUser, "deep"),
    unreadable("trudy", "t"),
    ...Array.from({ length: maxOfStranger }, () => stranger("honest")),
    ...Array.from({ length: maxOfStranger + 1 }, () => stranger("many")),
    stranger("forging", { reply_to: address("honest") }),
    stranger("unknown", { reply_to: address("") }),
    stranger("nameless", { user_id: undefined }),
    copy("ana", "a", { user_id: "ana", reply_to: address("honest") }),
    copy("mallory", "m", {}),
  ];
  const { users, strangers } = offenders(copies, { channels });
  assert.deepEqual([...users], ["trudy", "mallory"]);
  assert.deepEqual([...strangers].toSorted(), ["deep", "forging", "many", "nameless", "unknown"]);
  const untold = offenders(copies, { channels: { isEmpty: true, at: () => undefined } });
  assert.deepEqual([...untold.strangers].toSorted(), ["deep", "many", "nameless"]);
});
