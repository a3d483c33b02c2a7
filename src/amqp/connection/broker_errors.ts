import { ChatError } from "../../core/chat_error.ts";
import { type BrokerAddress, formatBroker } from "./broker_address.ts";
import { brokerReason } from "./broker_reason.ts";
import { causeWithoutSecretNames, withoutSecretNames } from "./secret_names.ts";

/** Advice for errors that mean that no server is running. */
export const startServer = 'start "chatd serve --broker URL", or "chatd amqp-server" for RabbitMQ alone';

/** Returns the error for a request that no server receives. */
export function noServer(): ChatError {
  return new ChatError("unavailable", `No chatd server accepts requests on this broker: ${startServer}.`);
}

/** Returns the error for a queue that another server consumes exclusively. */
export function consumedByAnother(queue: string, cause?: unknown): ChatError {
  return new ChatError(
    "already_exists",
    `Another chatd server already consumes "${queue}" on this broker. Stop it, or give this one its own virtual host.`,
    { cause },
  );
}

/** amqplib's error for a connection that is refused at its last step, the opening of the virtual host. */
const vhostRefusal = /Expected ConnectionOpenOk/;

/** Returns whether the broker accepted the login but not the virtual host, which is how chatd says "busy". */
export function isVhostRefusal({ cause }: ChatError): boolean {
  return cause instanceof Error && vhostRefusal.test(cause.message);
}

/** Returns whether the broker, or chatd as its authority, refused the login. */
export function isBrokerRefusal({ cause }: ChatError): boolean {
  return cause instanceof Error && (vhostRefusal.test(cause.message) || /\b403\b/.test(cause.message));
}

/** Converts the error of a connection attempt. */
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
  if (vhostRefusal.test(message)) {
    return new ChatError(
      "permission_denied",
      `RabbitMQ at ${address} does not let "${user}" use the virtual host "${broker.vhost}", or has none of that name: ` +
        "check the URL of the broker.",
      { cause: thrown },
    );
  }
  return new ChatError("unavailable", unreachable(thrown, address), { cause: thrown });
}

function unreachable(thrown: unknown, address: string): string {
  const { code, message } = thrown as { code?: string; message?: string };
  if (code === "ECONNREFUSED") {
    return `No RabbitMQ listens at ${address}: start it, for example with "docker compose up -d rabbitmq" or ` +
      '"systemctl start rabbitmq-server", or name another with --broker.';
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const [, names] = /altnames: (?:DNS:|IP Address:)(.+?)\.?$/.exec(message ?? "") ?? [];
    return `RabbitMQ at ${address} has a certificate for ${
      names?.replaceAll(/, (DNS:|IP Address:)/g, ", ") ?? "another name"
    }: use a name in the certificate in the URL.`;
  }
  if (/CERT|SELF_SIGNED|ISSUER|VERIFY/.test(code ?? "")) {
    return `RabbitMQ at ${address} has a certificate that is not trusted: pass its CA with --ca, and check that none has expired.`;
  }
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return `RabbitMQ at ${address} does not speak TLS there: use amqp://, or the port of its TLS listener.`;
  }
  return `Cannot reach RabbitMQ at ${address}: ${brokerReason(thrown)}.`;
}

/** Converts the error of an open connection that ended, from its `close` or `error` event. */
export function toLostError(thrown: unknown, broker: BrokerAddress): ChatError {
  const address = formatBroker(broker);
  const cause = causeWithoutSecretNames(thrown);
  const reason = thrown instanceof Error ? brokerReason(cause) : "it closed the connection";
  return new ChatError("unavailable", `Lost RabbitMQ at ${address}: ${reason}.`, { cause });
}

/** Converts the error of a channel, from one of its requests or from its connection. */
export function toChannelError(thrown: unknown, broker: BrokerAddress): ChatError {
  const message = withoutSecretNames(thrown instanceof Error ? thrown.message : String(thrown));
  const cause = causeWithoutSecretNames(thrown);
  const [, said] = /with message "([^"]*)"/.exec(message) ?? [];
  const address = formatBroker(broker);
  if (/\b403\b/.test(message)) {
    return new ChatError("permission_denied", `RabbitMQ at ${address} refused this: ${said ?? brokerReason(cause)}.`, {
      cause,
    });
  }
  if (/\b404\b/.test(message)) {
    return new ChatError(
      "unavailable",
      `No chatd server has used RabbitMQ at ${address} yet: ${startServer} (${brokerReason(cause)}).`,
      { cause },
    );
  }
  if (/\b406\b.*message size/.test(message)) {
    return new ChatError(
      "invalid_argument",
      `RabbitMQ at ${address} refused the message as too long (${said ?? message}): shorten it.`,
      {
        cause,
      },
    );
  }
  return new ChatError("unavailable", `RabbitMQ at ${address} failed: ${brokerReason(cause)}.`, { cause });
}

/** Makes a request over a channel. @throws {ChatError} see {@link toChannelError} */
export async function mapChannelErrors<T>(broker: BrokerAddress, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw toChannelError(error, broker);
  }
}
