import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { ChatError } from "../../core/chat_error.ts";
import { clockLeadMs } from "../../core/clock_guard.ts";

/** A certificate file of a server, with its period of validity. */
export interface Certificate {
  /** `server` is shown to clients; `client_ca` and `broker_ca` are authorities that are trusted. */
  readonly use: "server" | "client_ca" | "broker_ca";
  readonly file: string;
  /** In milliseconds since the Unix epoch. */
  readonly validFrom: number;
  readonly validTo: number;
}

/** A certificate that expires sooner is logged as a warning. */
export const soonDays = 21;
const dayMs = 24 * 60 * 60_000;

const names = {
  server: "certificate",
  client_ca: "client CA certificate",
  broker_ca: "broker CA certificate",
} as const;

/**
 * Reads how long a file is valid: a server's file by its first certificate, without the chain; a file of authorities by
 * the one that expires last.
 * @throws {ChatError} `invalid_argument` when the file holds no certificate
 */
export function inspectCertificate(use: Certificate["use"], file: string, pem: Uint8Array): Certificate {
  const all = parseCertificates(file, pem).map(({ validFrom, validTo }) => ({
    validFrom: Date.parse(validFrom),
    validTo: Date.parse(validTo),
  }));
  const last = all.reduce((one, other) => other.validTo > one.validTo ? other : one);
  return { use, file, ...(use === "server" ? all[0] : last) };
}

/** Parses all certificates of a PEM file, at least one; other blocks are ignored (RFC 7468). @throws {ChatError} */
export function parseCertificates(file: string, pem: Uint8Array): X509Certificate[] {
  const blocks = new TextDecoder().decode(pem).match(/-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/g);
  try {
    if (blocks !== null) return blocks.map((block) => new X509Certificate(Buffer.from(block)));
  } catch (cause) {
    throw noCertificate(file, cause);
  }
  throw noCertificate(file);
}

/** Returns the days until it expires, to hundredths; negative afterwards. */
export function daysLeft({ validTo }: Certificate, now = Date.now()): number {
  return Math.floor((validTo - now) / dayMs * 100) / 100;
}

/** Returns why it is not valid now; undefined when it is. */
export function whyInvalid({ use, file, validFrom, validTo }: Certificate, now = Date.now()): string | undefined {
  const name = names[use];
  if (now >= validTo) return `The ${name} in "${file}" expired at ${formatTime(validTo)}: renew it.`;
  if (now < validFrom) {
    const clock = `this machine's clock says ${formatTime(now)}`;
    return `The ${name} in "${file}" is not valid before ${formatTime(validFrom)}, and ${clock}.`;
  }
  return undefined;
}

/**
 * Requires that all certificates are valid now.
 * @throws {ChatError} `invalid_argument` with every reason; `unavailable` when all of them may be due to a wrong clock,
 * which a machine may correct soon after it starts
 */
export function refuseInvalid(
  certificates: readonly Certificate[],
  { now = Date.now(), lastSeen = () => undefined }: {
    now?: number;
    /**
     * Returns when a server last trusted the clock, in milliseconds since the Unix epoch; called only when a
     * certificate is not valid.
     */
    lastSeen?(): number | undefined;
  } = {},
): void {
  const reasons = certificates.map((certificate) => ({ certificate, reason: whyInvalid(certificate, now) }));
  const invalid = reasons.filter(({ reason }) => reason !== undefined);
  if (invalid.length === 0) return;
  const seen = lastSeen();
  const isAhead = seen !== undefined && now - seen > clockLeadMs;
  const mayHaveLasted = ({ validTo }: Certificate) => isAhead && now >= validTo && seen < validTo;
  const clocks = isAhead &&
    `or set this machine's clock, which says ${formatTime(now)} and last said ${formatTime(seen)}.`;
  const lines = invalid.map(({ certificate, reason }) =>
    mayHaveLasted(certificate) ? reason!.replace(/\.$/, `, ${clocks}`) : reason
  );
  const mayPass = invalid.every(({ certificate }) => now < certificate.validFrom || mayHaveLasted(certificate));
  throw new ChatError(mayPass ? "unavailable" : "invalid_argument", lines.join("\n"));
}

export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

function noCertificate(file: string, cause?: unknown): ChatError {
  return new ChatError("invalid_argument", `The file "${file}" holds no certificate in PEM.`, { cause });
}
