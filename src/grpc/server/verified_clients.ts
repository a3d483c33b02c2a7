import type { TLSSocket } from "node:tls";

/** Largest number of remembered certificates, the latest ones. */
const maxCertificates = 10_000;

/**
 * Remembers client certificates that full handshakes have verified with the current authorities. Deno resumes a TLS
 * session without verifying its certificate again, even with a ticket issued before the authorities changed, and issues
 * a new ticket each time (RFC 8446, section 2.2).
 */
export class VerifiedClients {
  /** Expiry of each certificate, in milliseconds since the Unix epoch, by fingerprint. */
  readonly #validTo = new Map<string, number>();

  /**
   * Records the client of a full handshake.
   * @returns false when the client resumed a session with a certificate that is not trusted now
   */
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
