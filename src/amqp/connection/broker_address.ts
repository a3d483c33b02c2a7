/** Where a broker is, without anything secret. */
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

/** For people: "amqp://127.0.0.1:5672", with the virtual host where it is not "/". */
export function formatBroker({ tls, host, port, vhost }: BrokerAddress): string {
  const bracketed = host.includes(":") ? `[${host}]` : host;
  const path = vhost === "/" ? "" : `/${encodeURIComponent(vhost)}`;
  return `${tls ? "amqps" : "amqp"}://${bracketed}:${port}${path}`;
}
