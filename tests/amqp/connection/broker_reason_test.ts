/** The words of amqplib 2.3 and RabbitMQ for connections and requests that fail. */
import assert from "node:assert/strict";
import { toChannelError, toConnectError, toLostError } from "../../../src/amqp/connection/broker_errors.ts";
import { brokerReason } from "../../../src/amqp/connection/broker_reason.ts";
import { assertExplainsAnything, assertReason } from "../../support/checks/reasons.ts";

const broker = { host: "mq.example", port: 5672, tls: false, vhost: "/chat" };

function failed(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

const forced =
  "Connection closed: 320 (CONNECTION-FORCED) with message \"CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'\"";

const table: readonly (readonly [thrown: unknown, reason: RegExp])[] = [
  [failed("connect ECONNRESET", "ECONNRESET"), /^the connection was reset$/],
  [failed("connect ETIMEDOUT"), /^the host does not answer$/],
  [failed("getaddrinfo ENOTFOUND mq.invalid", "ENOTFOUND"), /^there is no such host$/],
  [failed("", "EHOSTUNREACH"), /^there is no route to the host$/],
  [
    failed("Socket closed abruptly during opening handshake"),
    /^it closed the connection during the handshake: .*amqps/,
  ],
  [failed("Frame on channel != 0 during handshake: { type: 'method' }"), /^it does not speak AMQP 0-9-1/],
  [failed("Invalid frame"), /^it does not speak AMQP 0-9-1/],
  [
    failed("SASL mechanism PLAIN is not provided by the server"),
    /logins of the kind PLAIN: check its auth_mechanisms$/,
  ],
  [failed("Heartbeat timeout"), /^it stopped answering$/],
  [failed("the broker did not answer"), /^it stopped answering$/],
  [failed("Unexpected close"), /^it closed the connection$/],
  [failed("Channel ended, no reply will be forthcoming"), /^it closed the connection$/],
  [failed("Channel closed"), /^it closed the connection$/],
  [failed("Connection closed (by client)"), /^it closed the connection$/],
  [failed("message nacked"), /^it did not take the message$/],
  [failed("No channels left to allocate"), /^the connection has no channel left$/],
  [failed(forced), /^it was stopped, or its operator closed the connection$/],
  [
    failed('Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR - x"'),
    /^it says "INTERNAL_ERROR - x"$/,
  ],
  [failed("nobody knows these words"), /^the connection failed \(nobody knows these words\)$/],
  [failed(""), /^the connection failed$/],
  [failed("undefined"), /^the connection failed$/],
];

Deno.test("each failure of a connection to a broker has a reason for people", () => {
  for (const [thrown, expected] of table) {
    const reason = brokerReason(thrown);
    assert.match(reason, expected, String(thrown));
    assertReason(reason, (thrown as Error).message);
  }
});

Deno.test("unknown words of amqplib are in brackets", () =>
  assertExplainsAnything((words) => brokerReason(failed(words))));

Deno.test("errors of a broker are one sentence with its address, and say what to do where waiting does not help", () => {
  const login =
    'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"';
  const altNames = "Host: x. is not in the cert's altnames: DNS:a.example, DNS:b.example";
  const sentences: readonly (readonly [error: Error, message: RegExp])[] = [
    [toConnectError(failed(login), broker, "ana"), /refused the login of "ana": .* password .* wrong/],
    [toConnectError(failed("Expected ConnectionOpenOk; got <x>"), broker, "ana"), /virtual host "\/chat", or has none/],
    [
      toConnectError(failed("connect ECONNREFUSED", "ECONNREFUSED"), broker, "ana"),
      /^No RabbitMQ listens at .*: start it/,
    ],
    [toConnectError(failed("self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"), broker, "ana"), /not trusted: pass its CA/],
    [
      toConnectError(failed(altNames, "ERR_TLS_CERT_ALTNAME_INVALID"), broker, "ana"),
      /certificate for a\.example, b\.example: use/,
    ],
    [
      toConnectError(failed("wrong", "ERR_SSL_WRONG_VERSION_NUMBER"), broker, "ana"),
      /does not speak TLS there: use amqp/,
    ],
    [toConnectError(failed("", ""), broker, "ana"), /^Cannot reach RabbitMQ at .*: the connection failed\.$/],
    [toLostError(failed(forced), broker), /^Lost RabbitMQ at .*: it was stopped/],
    [toLostError(undefined, broker), /^Lost RabbitMQ at .*: it closed the connection\.$/],
    [
      toChannelError(failed("Channel closed by server: 404 (NOT-FOUND)"), broker),
      /has used RabbitMQ at .*: start "chatd serve/,
    ],
    [
      toChannelError(failed("Operation failed: QueueBind; 403 (ACCESS-REFUSED)"), broker),
      /^RabbitMQ at .* refused this: /,
    ],
    [toChannelError(failed("Channel closed"), broker), /^RabbitMQ at .* failed: it closed the connection\.$/],
  ];
  for (const [{ message }, expected] of sentences) {
    assert.match(message, expected);
    assert.match(message, /mq\.example/);
    assert.match(message, /^[^\n]+\.$/);
    assert.doesNotMatch(message, /undefined|\. [A-Z]/);
  }
});
