import type { TLSSocket } from "node:tls";

/** Certificates that are remembered, the latest ones. */
const maxCertificates = 10_000;

/**
 * Remembers which client certificates full handshakes have verified with the same authorities. Deno resumes a TLS session
 * without another look at its certificate, also with a ticket from before the authorities changed, and gives a new ticket
 * each time (RFC 8446, section 2.2).
 */
export class VerifiedClients {
  /** Ends of certificates, in milliseconds since the Unix epoch, by fingerprint. */
  readonly #validTo = new Map<string, number>();

  /** Notes a client whose handshake was full. @returns false when the client resumed a session with a certificate that is not trusted now */
  admit(secure: Pick<TLSSocket, "isSessionReused" | "getPeerCertificate">, now = Date.now()): boolean {
    const { fingerprint256, valid_to } = secure.getPeerCertificate();
    if (secure.isSessionReused()) return now < (this.#validTo.get(fingerprint256) ?? -Infinity);
    this.#validTo.delete(fingerprint256);
    this.#validTo.set(fingerprint256, Date.parse(valid_to));
    if (this.#validTo.size > maxCertificates) {
      const [oldest] = this.#validTo.keys();
      this.#validTo.delete(oldest);
    }
    return true;
  }
}
