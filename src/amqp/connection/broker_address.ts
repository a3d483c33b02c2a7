/** Address of a broker, without credentials. */
export interface BrokerAddress {
  readonly tls: boolean;
  readonly host: string;
  readonly port: number;
  readonly vhost: string;
}

export interface BrokerLogin {
  readonly user: string;
  readonly password: string;
}

/** Formats the address for people: "amqp://127.0.0.1:5672", with the virtual host unless it is "/". */
export function formatBroker({ tls, host, port, vhost }: BrokerAddress): string {
  const bracketed = host.includes(":") ? `[${host}]` : host;
  const path = vhost === "/" ? "" : `/${encodeURIComponent(vhost)}`;
  return `${tls ? "amqps" : "amqp"}://${bracketed}:${port}${path}`;
}
