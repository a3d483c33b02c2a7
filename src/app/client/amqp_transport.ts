import { AmqpTransport } from "../../amqp/client/client_transport.ts";
import { formatBroker } from "../../amqp/connection/broker_address.ts";
import { ChatError } from "../../core/chat_error.ts";
import { readAuthorities } from "../../host/certificates/pem_file.ts";
import { isLoopback } from "../../host/loopback.ts";
import type { AmqpClientOptions } from "./client_options.ts";

/**
 * Opens a transport over a broker.
 * @throws {ChatError} `invalid_argument` if it would be unsafe, or a file cannot be read
 *
 * @example
 * ```ts
 * const broker = { address: { host: "127.0.0.1", port: 5672, tls: false, vhost: "/" } };
 * const transport = await openAmqpTransport({ user: "ana", broker, insecure: false });
 * console.log(transport.address);
 * ```
 */
export async function openAmqpTransport(
  { user, broker: { address, user: sharedUser, login }, caFile, insecure }: Pick<
    AmqpClientOptions,
    "user" | "broker" | "caFile" | "insecure"
  >,
): Promise<AmqpTransport> {
  if (!address.tls && !insecure && !isLoopback(address.host)) {
    throw new ChatError(
      "invalid_argument",
      `Connecting to ${formatBroker(address)} would send your password and messages over the network unencrypted: ` +
        "use amqps://, or --insecure if another component encrypts them.",
    );
  }
  if (sharedUser !== undefined && login === undefined) {
    throw new ChatError(
      "invalid_argument",
      "The URL of the broker names a user without a password: omit the user to log in as --user, or give a login that " +
        "all users share, CHATD_BROKER=amqp://USER:PASSWORD@HOST.",
    );
  }
  const ca = caFile === undefined ? undefined : await readAuthorities(caFile);
  return new AmqpTransport({ broker: address, user, sharedLogin: login, ca });
}
