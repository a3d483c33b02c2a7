import type { BrokerAddress, BrokerLogin } from "../../amqp/connection/broker_address.ts";

/** The value of `--broker`: the broker's address, the user if it names one, and the login if it has a password. */
export interface BrokerUrl {
  readonly address: BrokerAddress;
  readonly user?: string;
  /** Must not be logged. */
  readonly login?: BrokerLogin;
}

/**
 * Parses URLs such as "amqp://HOST:PORT", "amqp://USER@HOST" and "amqps://USER:PASSWORD@HOST/VHOST"; the default ports
 * are 5672 and 5671, the default virtual host is "/" (https://www.rabbitmq.com/docs/uri-spec).
 * @throws {SyntaxError} with a message for people that does not contain the password
 */
export function parseBrokerUrl(text: string): BrokerUrl {
  if (!/^amqps?:\/\//.test(text)) {
    throw new SyntaxError("Expected the URL of a broker, such as amqp://127.0.0.1:5672 or amqps://HOST.");
  }
  const url = URL.parse(text);
  if (url === null || url.hostname === "" || /%(?![0-9A-Fa-f]{2})/.test(text)) {
    throw new SyntaxError("The URL of the broker has no host, or contains characters that must be written as %XX.");
  }
  if (url.search !== "" || url.hash !== "" || url.pathname.lastIndexOf("/") > 0) {
    throw new SyntaxError(
      "The URL of the broker may only have a virtual host after the port: amqp://HOST:PORT/VHOST.",
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
