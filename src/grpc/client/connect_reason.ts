import { networkReason } from "../../core/network_reason.ts";

type Reason = string | ((match: RegExpExecArray) => string);

const checkPort = "check the port, and whether the server requires --tls";
const checkTrust = "give its CA with --ca FILE, and check that it has not expired";

/** Reasons for people, with advice where waiting does not help, by the words of Deno, grpc-js and chatd's own HTTP/2. */
const reasons: readonly (readonly [pattern: RegExp, reason: Reason])[] = [
  [
    /wrong version number|InvalidContentType|packet length too long/,
    "it does not speak TLS: check the port, or omit --tls",
  ],
  [
    /alert: CertificateRequired|certificate required/i,
    "it requires a client certificate: give --tls-cert and --tls-key",
  ],
  [/altnames|NotValidForName/, (match) => {
    const [, names] = /altnames: (?:DNS:|IP Address:)([^"]+?)\.?$/.exec(match.input) ?? [];
    const others = names?.replaceAll(/, (DNS:|IP Address:)/g, ", ");
    return `its certificate is for ${others ?? "another name"}: check the address, or give that name with --tls-name`;
  }],
  [/has expired|HAS_EXPIRED|: Expired/, "its certificate has expired: it must be renewed on the server"],
  [/not yet valid|NOT_YET_VALID/, "its certificate is not valid yet: check the clocks"],
  [/self[- ]signed/i, "its certificate is self-signed: give it with --ca FILE if you trust it"],
  [/unable to (verify|get)|UnknownIssuer|UNABLE_TO_/, `its certificate is not trusted: ${checkTrust}`],
  [/before secure TLS/, "it closed the connection during the TLS handshake: check the port, or omit --tls"],
  [/certificate/i, ({ input }) => `its certificate is not accepted (${input}): ${checkTrust}`],
  [
    /HTTP (?:status code )?(50[234])\b/,
    ([, code]) => `a proxy answers there with HTTP ${code}, without a server behind it`,
  ],
  [
    /HTTP (?:status code )?(\d{3})\b/,
    ([, code]) => `it answers with HTTP ${code}, as no chatd server does: check the address`,
  ],
  [/^it does not speak HTTP\/2/, ({ input }) => `${input}: ${checkPort}`],
  [/Protocol error|NGHTTP2/, `it does not speak HTTP/2: ${checkPort}`],
  [/Failed to connect/, `it closed the connection without an answer: ${checkPort}`],
  [/Requires net access/, "Deno does not let chatd connect: add --allow-net to deno run"],
  [/Connection dropped|Connection closed/, "the connection was lost"],
  [/did not answer in time|Deadline exceeded/i, "it did not answer in time"],
  [/^The server accepts no calls now/, "it accepts no calls now"],
  [/was cancelled|Cancelled on client/, "the call was cancelled"],
  [/^The (call succeeded without|answer )/, "it does not answer as a chatd server does: check the address"],
  [/^The server answered with status (\d+)/, ([, status]) => `it answered with the gRPC status ${status}`],
  [/^HTTP\/2 failed: (.*)$/, ([, why]) => `it broke a rule of HTTP/2 (${why.replace(/\.$/, "")})`],
];

/** Reasons that are chatd's own already. */
const own = /^(it|a proxy|there is no connection)\b/;

/**
 * Returns why a connection or call failed, for people and without a full stop: "connection refused".
 * @param text the message of an error, or the details of a status without chatd's error code
 */
export function connectReason(text: string): string {
  // grpc-js adds the time.
  const plain = text.replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, "").replace(/\.$/, "");
  const known = networkReason(plain);
  if (known !== undefined) return known;
  for (const [pattern, reason] of reasons) {
    const match = pattern.exec(plain);
    if (match !== null) return typeof reason === "string" ? reason : reason(match);
  }
  if (own.test(plain)) return plain;
  return plain === "" || plain === "undefined" ? "the connection failed" : `the connection failed (${plain})`;
}

/** The end of a connection before the server has said anything. */
export const noAnswerReason = `it closed the connection without an answer: ${checkPort}`;
