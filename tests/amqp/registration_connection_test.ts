import assert from "node:assert/strict";
import type { BrokerConnection } from "../../src/amqp/broker_connection.ts";
import { RegistrationConnection } from "../../src/amqp/registration_connection.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { silentLog } from "../../src/core/log.ts";

/** A connection whose channel never answers, as amqplib's does when the connection is lost. */
function silentConnection(): { connection: BrokerConnection; lose(): void } {
  const lost = Promise.withResolvers<ChatError>();
  const lose = () => lost.resolve(new ChatError("unavailable", "The broker is lost."));
  const connection = {
    lost: lost.promise,
    channel: () => new Promise(() => {}),
    close: () => Promise.resolve(lose()),
  };
  return { connection: connection as unknown as BrokerConnection, lose };
}

Deno.test("a connection for registrations that is lost while it begins to consume keeps no server from opening or closing", async () => {
  const warnings: string[] = [];
  const { connection, lose } = silentConnection();
  const opening = RegistrationConnection.open({
    connect: () => Promise.resolve(connection),
    consume: () => Promise.reject(new TypeError("it has no channel")),
    log: { ...silentLog, warn: (event) => void warnings.push(event) },
  });
  lose();
  const registrations = await opening;
  await registrations.close();
  assert.deepEqual(warnings, ["no connection for registrations"]);
});
