import { ChatError } from "../../core/chat_error.ts";
import { type BrokerAddress, formatBroker } from "./broker_address.ts";
import { causeWithoutSecretNames, withoutSecretNames } from "./secret_names.ts";

/** The advice when no server is there. */
export const startServer = 'start "chatd serve --broker URL", or "chatd amqp-server" for RabbitMQ alone';

/** No server takes requests. */
export function noServer(): ChatError {
  return new ChatError("unavailable", `No chatd server takes requests on this broker: ${startServer}.`);
}

/** The queue has another server as its exclusive consumer. */
export function consumedByAnother(queue: string, cause?: unknown): ChatError {
  return new ChatError(
    "already_exists",
    `Another chatd server consumes "${queue}" on this broker already: stop it, or give this one a virtual host of its own.`,
    { cause },
  );
}

/** amqplib says this of a connection that is closed at its last step, where the virtual host is opened. */
const closedDoor = /Expected ConnectionOpenOk/;

/** Whether the broker took the login, but not the next step: chatd's way to say "busy", or another virtual host. */
export function isClosedDoor({ cause }: ChatError): boolean {
  return cause instanceof Error && closedDoor.test(cause.message);
}

/** Whether the broker, or chatd that it asks, refused the login. */
export function isBrokerRefusal({ cause }: ChatError): boolean {
  return cause instanceof Error && (closedDoor.test(cause.message) || /\b403\b/.test(cause.message));
}

/** The error of a connection to the broker that could not be opened. */
export function toConnectError(thrown: unknown, broker: BrokerAddress, user: string): ChatError {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const address = formatBroker(broker);
  if (/\b403\b.*ACCESS.REFUSED/.test(message)) {
    return new ChatError(
      "unauthenticated",
      `RabbitMQ at ${address} refused the login of "${user}": the name, the password or the token is wrong, or was revoked.`,
      { cause: thrown },
    );
  }
  if (closedDoor.test(message)) {
    return new ChatError(
      "permission_denied",
      `RabbitMQ at ${address} does not let "${user}" use the virtual host "${broker.vhost}".`,
      { cause: thrown },
    );
  }
  return new ChatError("unavailable", `${unreachable(thrown, address)}`, { cause: thrown });
}

function unreachable(thrown: unknown, address: string): string {
  const { code, message } = thrown as { code?: string; message?: string };
  if (code === "ECONNREFUSED") {
    return `No RabbitMQ listens at ${address}: start it, for example with "docker compose up -d rabbitmq" or ` +
      '"systemctl start rabbitmq-server", or name another with --broker.';
  }
  if (/CERT|SELF_SIGNED|ISSUER|VERIFY/.test(code ?? "")) {
    return `RabbitMQ at ${address} shows a certificate that cannot be trusted (${message}): give its CA with --ca, and see that none is expired.`;
  }
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return `RabbitMQ at ${address} does not speak TLS there: use amqp://, or the port of its TLS listener.`;
  }
  return `Cannot reach RabbitMQ at ${address}: ${message || code || "the connection failed"}`;
}

/** The error of a connection that was open and ended, from its `close` or `error` event. */
export function toLostError(thrown: unknown, broker: BrokerAddress): ChatError {
  const address = formatBroker(broker);
  const message = thrown instanceof Error ? withoutSecretNames(thrown.message) : "it closed the connection";
  return new ChatError("unavailable", `Lost RabbitMQ at ${address}: ${message}`, {
    cause: causeWithoutSecretNames(thrown),
  });
}

/** The error that a channel failed with: of a request over it, or of the connection under it. */
export function toChannelError(thrown: unknown, broker: BrokerAddress): ChatError {
  const message = withoutSecretNames(thrown instanceof Error ? thrown.message : String(thrown));
  const cause = causeWithoutSecretNames(thrown);
  const [, said] = /with message "([^"]*)"/.exec(message) ?? [];
  const address = formatBroker(broker);
  if (/\b403\b/.test(message)) {
    return new ChatError("permission_denied", `RabbitMQ at ${address} refused this: ${said ?? message}`, { cause });
  }
  if (/\b404\b/.test(message)) {
    return new ChatError(
      "unavailable",
      `No chatd server has used RabbitMQ at ${address} yet: ${startServer}. (${said ?? message})`,
      { cause },
    );
  }
  if (/\b406\b.*message size/.test(message)) {
    return new ChatError("invalid_argument", `RabbitMQ at ${address} does not take a message that long: ${said}`, {
      cause,
    });
  }
  return new ChatError("unavailable", `RabbitMQ at ${address} failed: ${said ?? message}`, { cause });
}
