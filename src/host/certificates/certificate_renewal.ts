import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { notReloaded } from "../supervisor/reload.ts";
import { type Certificate, daysLeft, formatTime } from "./certificate.ts";

/** A transport's certificates. */
export interface CertificateHolder {
  /** Certificates in use. */
  readonly certificates: readonly Certificate[];
  /**
   * Reads the certificates of the transport again, and uses them from the next connection on; absent for a transport
   * without its own. @throws when they are not valid; the old ones stay in use
   */
  renewCertificates?(): Promise<void>;
}

export interface CertificateRenewalOptions {
  readonly transports: readonly CertificateHolder[];
  readonly log: Log;
  /** Other certificates are in use. */
  onRenewed(): void;
}

/** Renews the certificates of transports, one renewal at a time; open connections stay open. */
export class CertificateRenewal {
  readonly #options: CertificateRenewalOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: CertificateRenewalOptions) {
    this.#options = options;
  }

  /** Renews after all earlier renewals. Resolves when it is done; failures are logged. */
  renew(): Promise<void> {
    return this.#last = this.#last.then(() => this.#renewAll());
  }

  async #renewAll(): Promise<void> {
    const { transports, log, onRenewed } = this.#options;
    const holders = transports.filter((transport) => transport.renewCertificates !== undefined);
    if (holders.length === 0) return log.info("nothing to reload: this server shows no certificates");
    for (const holder of holders) {
      try {
        await holder.renewCertificates!();
        for (const certificate of holder.certificates) {
          log.info("new connections use this certificate", detailsOf(certificate));
        }
        onRenewed();
      } catch (error) {
        log.error(notReloaded, error instanceof ChatError ? { reasons: error.message.split("\n") } : { error });
      }
    }
  }
}

function detailsOf(certificate: Certificate) {
  const { use, file, validTo } = certificate;
  return { use, file, validTo: formatTime(validTo), daysLeft: Math.floor(daysLeft(certificate)) };
}
