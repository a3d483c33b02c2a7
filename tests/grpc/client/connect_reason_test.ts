/** The words of Deno 2.9.6, grpc-js 1.14 and chatd's own HTTP/2 for connections that fail. */
import assert from "node:assert/strict";
import { connectReason } from "../../../src/grpc/client/connect_reason.ts";
import { explainFailure } from "../../../src/grpc/client/received_error.ts";
import { GrpcStatus } from "../../../src/grpc/http2/grpc_status.ts";
import { assertExplainsAnything, assertReason } from "../../support/checks/reasons.ts";

const altNames = "Hostname/IP does not match certificate's altnames: Host: localhost. is not in the cert's altnames: ";

const table: readonly (readonly [words: string, reason: RegExp])[] = [
  ["connect ECONNREFUSED 127.0.0.1:1", /^connection refused$/],
  ["read ECONNRESET", /^the connection was reset$/],
  ["write EPIPE (2026-11-30T09:53:58.263Z)", /^the connection was reset$/],
  ["connect EHOSTUNREACH 10.0.0.1:1 - Local (0.0.0.0:0)", /^there is no route to the host$/],
  ["connect ENETUNREACH 255.255.255.255:1", /^the network is unreachable$/],
  ["connect ETIMEDOUT 10.0.0.1:1", /^the host does not answer$/],
  ["getaddrinfo ENOTFOUND nosuch.invalid", /^there is no such host$/],
  ["getaddrinfo EAI_AGAIN nosuch.invalid", /^the name service does not answer$/],
  ["Name resolution failed for target dns:nosuch.invalid:1", /^there is no such host$/],
  ["connect EMFILE 127.0.0.1:1", /^chatd has too many open files \(ulimit -n\)$/],
  ["connect EADDRNOTAVAIL 127.0.0.1:1", /no address or port left/],
  ['Requires net access to "127.0.0.1:1", run again with the --allow-net flag', /add --allow-net/],
  [
    "received corrupt message of type InvalidContentType (SSL routines:ssl3_get_record:wrong version number)",
    /^it does not speak TLS: check the port, or omit --tls$/,
  ],
  ["received fatal alert: CertificateRequired", /client certificate: give --tls-cert and --tls-key$/],
  [`${altNames}DNS:elsewhere.example`, /^its certificate is for elsewhere\.example: .* --tls-name$/],
  [`Error [ERR_TLS_CERT_ALTNAME_INVALID]: ${altNames}DNS:a.example, DNS:b.example`, /is for a\.example, b\.example: /],
  [
    "unable to verify the first certificate",
    /^its certificate is not trusted: give its CA with --ca FILE, .* expired$/,
  ],
  ["self-signed certificate", /^its certificate is self-signed: give it with --ca FILE if you trust it$/],
  ["certificate has expired", /^its certificate has expired: it must be renewed/],
  [
    "invalid peer certificate: BadSignature",
    /^its certificate is not accepted \(invalid .*BadSignature\): give its CA/,
  ],
  [
    "Client network socket disconnected before secure TLS connection was established",
    /^it closed the connection during the TLS handshake: check the port/,
  ],
  ["Failed to connect (2026-11-30T09:53:50.323Z)", /^it closed the connection without an answer: .*--tls$/],
  ["Protocol error (2026-11-30T09:53:59.150Z)", /^it does not speak HTTP\/2: check the port/],
  ["it does not speak HTTP/2 without TLS", /^it does not speak HTTP\/2 without TLS: check the port/],
  ["Connection dropped", /^the connection was lost$/],
  ["it did not answer in time", /^it did not answer in time$/],
  ["Deadline exceeded after 30.001s,LB pick: 0.002s,remote_addr=10.0.0.1:1", /^it did not answer in time$/],
  ["The peer answered with HTTP 502.", /^a proxy answers there with HTTP 502, without a server behind it$/],
  ["Received HTTP status code 404", /^it answers with HTTP 404, as no chatd server does: check the address$/],
  ["a proxy answered without a server behind it", /^a proxy answered without a server behind it$/],
  ["there is no connection", /^there is no connection$/],
  ["The server answered with status 14.", /^it answered with the gRPC status 14$/],
  ["The server accepts no calls now.", /^it accepts no calls now$/],
  ["The call succeeded without an answer.", /^it does not answer as a chatd server does: check the address$/],
  ["HTTP/2 failed: A frame is too long.", /^it broke a rule of HTTP\/2 \(A frame is too long\)$/],
  [
    "upstream connect error or disconnect/reset before headers",
    /^the connection failed \(upstream connect error .*\)$/,
  ],
  ["", /^the connection failed$/],
  ["undefined", /^the connection failed$/],
];

Deno.test("each failure of a connection has a reason for people", () => {
  for (const [words, expected] of table) {
    const reason = connectReason(words);
    assert.match(reason, expected, words);
    if (/^(it|there|a proxy) /.test(words)) continue;
    assertReason(reason, words);
  }
});

Deno.test("unknown words of a library are in brackets", () => assertExplainsAnything(connectReason));

Deno.test("an error that no chatd server made names the address, and is never a bug", () => {
  const answer = (code: GrpcStatus, details: string) =>
    explainFailure({ code, details, metadata: () => undefined }, { address: "chat.example:1" });
  const found = answer(GrpcStatus.unimplemented, "Received HTTP status code 404");
  assert.deepEqual([found.code, found.message], [
    "unavailable",
    "Cannot reach the server at chat.example:1: it answers with HTTP 404, as no chatd server does: check the address.",
  ]);
  const other = answer(GrpcStatus.unimplemented, "unknown service chatd.v1.AuthService");
  assert.match(
    other.message,
    /^The server at chat\.example:1 refused the call \(unknown service [^)]*\): check that a chatd server [^.]*\.$/,
  );
});
