import { networkReason } from "../../core/network_reason.ts";

type Reason = string | ((match: RegExpExecArray) => string);

/** Reasons for people by the words of amqplib and RabbitMQ. */
const reasons: readonly (readonly [pattern: RegExp, reason: Reason])[] = [
  [/\b320 \(CONNECTION-FORCED\)/, "it was stopped, or its operator closed the connection"],
  [/with message "([^"]*)"/, ([, said]) => `it says "${said}"`],
  [/Heartbeat timeout|the broker did not answer/, "it stopped answering"],
  [
    /during opening handshake/,
    "it closed the connection during the handshake: check the port, and whether it needs amqps://",
  ],
  [
    /SASL mechanism (\S+)/,
    ([, mechanism]) => `it does not accept logins of the kind ${mechanism}: check its auth_mechanisms`,
  ],
  [/No channels left/, "the connection has no channel left"],
  [/message nacked/, "it did not take the message"],
  [
    /Invalid frame|Frame on (unknown )?channel|Unexpected frame|Expected .*; got|Wasn't expecting|Handshake terminated/s,
    "it does not speak AMQP 0-9-1 as RabbitMQ does: check the port",
  ],
  [
    /Unexpected close|closed abruptly|Channel (ended|closed)|channel closed|Connection clos(ed|ing)|it closed the connection/i,
    "it closed the connection",
  ],
];

/** Returns why a connection to a broker, or a request over it, failed: for people, and without a full stop. */
export function brokerReason(thrown: unknown): string {
  const { code = "", message = String(thrown) } = thrown as { code?: unknown; message?: string };
  for (const [pattern, reason] of reasons) {
    const match = pattern.exec(message);
    if (match !== null) return typeof reason === "string" ? reason : reason(match);
  }
  const known = networkReason(`${message} ${code}`);
  if (known !== undefined) return known;
  const words = message.replace(/\.$/, "") || (typeof code === "string" ? code : "");
  return words === "" || words === "undefined" ? "the connection failed" : `the connection failed (${words})`;
}
