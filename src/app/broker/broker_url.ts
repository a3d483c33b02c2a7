import type { BrokerAddress, BrokerLogin } from "../../amqp/connection/broker_address.ts";

/** What `--broker` says: where the broker is, who to be there if it names a user, and how to log in if it has a password. */
export interface BrokerUrl {
  readonly address: BrokerAddress;
  readonly user?: string;
  /** Never log it. */
  readonly login?: BrokerLogin;
}

/**
 * Reads "amqp://HOST:PORT", "amqp://USER@HOST", "amqps://USER:PASSWORD@HOST/VHOST" and the like; the ports are 5672 and 5671 unless given, the virtual
 * host "/" (https://www.rabbitmq.com/docs/uri-spec).
 * @throws {SyntaxError} whose message tells a person what is wrong, and has no password in it
 */
export function parseBrokerUrl(text: string): BrokerUrl {
  if (!/^amqps?:\/\//.test(text)) {
    throw new SyntaxError("A broker is named like amqp://127.0.0.1:5672 or amqps://HOST.");
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "" || /%(?![0-9A-Fa-f]{2})/.test(text)) {
    throw new SyntaxError("The URL of the broker has no host, or characters that must be written as %XX.");
  }
  if (url.search !== "" || url.hash !== "" || url.pathname.lastIndexOf("/") > 0) {
    throw new SyntaxError(
      "The URL of the broker can have a virtual host after the port, and nothing else: amqp://HOST:PORT/VHOST.",
    );
  }
  const tls = url.protocol === "amqps:";
  const address = {
    tls,
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (tls ? 5671 : 5672) : Number(url.port),
    vhost: url.pathname.length > 1 ? decodeURIComponent(url.pathname.slice(1)) : "/",
  };
  if (url.username === "") return { address };
  const user = decodeURIComponent(url.username);
  if (url.password === "") return { address, user };
  return { address, user, login: { user, password: decodeURIComponent(url.password) } };
}
