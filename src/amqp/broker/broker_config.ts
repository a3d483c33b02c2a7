/** Plugins that chatd needs; RabbitMQ ships all three. */
export const brokerPlugins = [
  "rabbitmq_auth_backend_http",
  "rabbitmq_event_exchange",
  "rabbitmq_management",
] as const;

/** Time that RabbitMQ waits for an answer, in milliseconds: longer than the queue for password checks. */
export const authorityTimeoutMs = 15_000;
/** Largest AMQP frame. Headers arrive in one frame; larger ones could nest tables deeper than the JavaScript stack. */
export const maxAmqpFrameBytes = 8 * 1024;
/** Largest message on the broker; no frame of chatd is longer. */
export const maxMessageBytes = 64 * 1024;

/** First line of a generated `rabbitmq.conf`, which chatd may overwrite. */
export const brokerConfigMark = "# Made by chatd broker-config, which may write it anew.";

export interface BrokerConfigOptions {
  /** The broker user of the server. */
  readonly user: string;
  readonly password: string;
  /** "/" unless given. */
  readonly vhost?: string;
  /**
   * Address of chatd as seen from RabbitMQ, with the secret: "http://127.0.0.1:15680/SECRET". Without it, the broker
   * does not ask chatd.
   */
  readonly authUrl?: string;
}

/**
 * Generates the `rabbitmq.conf` that makes the broker use chatd's accounts (https://www.rabbitmq.com/docs/configure).
 * @throws {RangeError} when a value cannot be written to the file
 */
export function brokerConfig({ user, password, vhost = "/", authUrl }: BrokerConfigOptions): string {
  for (const value of [user, password, vhost]) {
    if (!/^[\w./~+=:@%^*,-]+$/.test(value)) {
      throw new RangeError("a value has characters that rabbitmq.conf does not accept");
    }
  }
  const lines = [
    brokerConfigMark,
    "# A new broker creates this user; an existing broker keeps its users.",
    `default_user = ${user}`,
    `default_pass = ${password}`,
    ...(vhost === "/" ? [] : [`default_vhost = ${vhost}`]),
    "",
    `max_message_size = ${maxMessageBytes}`,
    "# Bounds how deep headers can be nested, as they come in one frame.",
    `frame_max = ${maxAmqpFrameBytes}`,
    "channel_max = 8",
    "heartbeat = 10",
    "# Time for a login, including the answer of chatd.",
    `handshake_timeout = ${authorityTimeoutMs + 5_000}`,
    "",
    "# Ends the memory alarm as soon as memory is free, not a minute later when the system has reclaimed it.",
    "vm_memory_calculation_strategy = allocated",
    "# Lets chatd find the senders that fill the memory within 1 s, not 5 s. In milliseconds.",
    "collect_statistics_interval = 1000",
    "",
    "# RabbitMQ 4 also offers ANONYMOUS, which logs in as guest: a chatd account, if a user could register that name.",
    "auth_mechanisms.1 = PLAIN",
    "auth_backends.1 = internal",
  ];
  if (authUrl !== undefined) {
    lines.push(
      "auth_backends.2 = http",
      "# The default is GET, which would put passwords into URLs.",
      "auth_http.http_method = post",
      ...["user", "vhost", "resource", "topic"].map((kind) => `auth_http.${kind}_path = ${authUrl}/${kind}`),
      `auth_http.request_timeout = ${authorityTimeoutMs}`,
      "auth_http.connection_timeout = 2000",
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Generates the `enabled_plugins` file that goes with it. */
export function enabledPlugins(): string {
  return `[${brokerPlugins.join(",")}].\n`;
}
