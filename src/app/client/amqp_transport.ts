import { AmqpTransport } from "../../amqp/client/client_transport.ts";
import { formatBroker } from "../../amqp/connection/broker_address.ts";
import { ChatError } from "../../core/chat_error.ts";
import { readPemText } from "../../host/certificates/pem_file.ts";
import { isLoopback } from "../../host/loopback.ts";
import type { AmqpClientOptions } from "./client_options.ts";

/** The way over a broker that options say. @throws {ChatError} `invalid_argument` when it would not be safe, or a file cannot be read. */
export async function openAmqpTransport(
  { user, broker: { address, user: sharedUser, login }, caFile, insecure }: Pick<
    AmqpClientOptions,
    "user" | "broker" | "caFile" | "insecure"
  >,
): Promise<AmqpTransport> {
  if (!address.tls && !insecure && !isLoopback(address.host)) {
    throw new ChatError(
      "invalid_argument",
      `Going to ${formatBroker(address)} would send your password and messages over the network unencrypted: ` +
        "use amqps://, or --insecure if something else encrypts them.",
    );
  }
  if (sharedUser !== undefined && login === undefined) {
    throw new ChatError(
      "invalid_argument",
      "The URL of the broker names a user without a password: you log in there as --user, and only a login that " +
        "everybody shares is in the URL, CHATD_BROKER=amqp://USER:PASSWORD@HOST.",
    );
  }
  const ca = caFile === undefined ? undefined : await readPemText(caFile);
  return new AmqpTransport({ broker: address, user, sharedLogin: login, ca });
}
