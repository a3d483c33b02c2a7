import assert from "node:assert/strict";
import type { BrokerConnection } from "../../../src/amqp/connection/broker_connection.ts";
import { RegistrationConnection } from "../../../src/amqp/server/registration_connection.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { silentLog } from "../../../src/core/log.ts";
import { eventually } from "../../support/waiting/eventually.ts";

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

Deno.test("losing the connection for registrations while it starts consuming does not keep the server from closing", async () => {
  const warnings: string[] = [];
  const { connection, lose } = silentConnection();
  const registrations = RegistrationConnection.open({
    connect: () => Promise.resolve(connection),
    consume: () => Promise.reject(new TypeError("it has no channel")),
    log: { ...silentLog, warn: (event) => void warnings.push(event) },
  });
  lose();
  await eventually(() => warnings.length > 0, () => "the loss is logged");
  await registrations.close();
  assert.deepEqual(warnings, ["cannot connect for registrations"]);
});

Deno.test("a slow connection for registrations keeps the server neither from serving nor from closing", async () => {
  const registrations = RegistrationConnection.open({
    connect: (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("given up")))),
    consume: () => Promise.reject(new TypeError("it has no connection")),
    log: silentLog,
  });
  await registrations.close();
});
