import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { notReloaded } from "../supervisor/reload.ts";
import { type Certificate, daysLeft, formatTime } from "./certificate.ts";

/** The part of a transport that shows certificates. */
export interface CertificateHolder {
  /** Certificates in use. */
  readonly certificates: readonly Certificate[];
  /**
   * Reads the certificates of the transport again, and shows them from the next connection on; absent when a transport
   * shows none. @throws when they are of no use: then nothing changes
   */
  renewCertificates?(): Promise<void>;
}

export interface CertificateRenewalOptions {
  readonly transports: readonly CertificateHolder[];
  readonly log: Log;
  /** Certificates in use are other ones. */
  onRenewed(): void;
}

/** Has transports show renewed certificates, one renewal after the other; open connections go on. */
export class CertificateRenewal {
  readonly #options: CertificateRenewalOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: CertificateRenewalOptions) {
    this.#options = options;
  }

  /** Renews after the renewals that were asked for before. Resolves when it is done; failures are logged. */
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
