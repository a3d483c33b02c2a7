import { type BrokerAddress, formatBroker } from "../../amqp/connection/broker_address.ts";
import { ChatError } from "../../core/chat_error.ts";
import { isLoopback } from "../../host/loopback.ts";

/** Refuses to send the administrator's login over a network unencrypted. @throws {ChatError} `permission_denied` */
export function refuseOpenBroker(
  { address, management, insecure }: { address: BrokerAddress; management: string | undefined; insecure: boolean },
): void {
  if (insecure) return;
  if (!address.tls && !isLoopback(address.host)) {
    throw new ChatError(
      "permission_denied",
      `Connecting to ${formatBroker(address)} would send passwords and messages over the network unencrypted: ` +
        "use amqps://, or --insecure if another component encrypts them.",
    );
  }
  if (management === undefined) return;
  const { protocol, hostname, host } = new URL(management);
  if (protocol === "http:" && !isLoopback(hostname.replace(/^\[(.*)\]$/, "$1"))) {
    throw new ChatError(
      "permission_denied",
      `Connecting to the management of RabbitMQ at http://${host} would send its administrator's password over the ` +
        "network unencrypted: use https:// with --broker-management, or --insecure if another component encrypts it.",
    );
  }
}
