import type { Log } from "../../core/log.ts";
import { type Certificate, daysLeft, soonDays, whyInvalid } from "./certificate.ts";

/** The interval between two checks, in milliseconds. */
const intervalMs = 24 * 60 * 60_000;

export interface CertificateWatchOptions {
  /** Each with its certificates in use. */
  readonly transports: readonly { readonly certificates: readonly Certificate[] }[];
  readonly log: Log;
  /** In milliseconds since the Unix epoch; the system's clock unless given. */
  readonly now?: () => number;
}

/** Logs once a day which certificates in use expire soon or are not valid. The owner disposes of it. */
export class CertificateWatch implements Disposable {
  readonly #options: CertificateWatchOptions;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.check(), intervalMs);
    this.check();
  }

  /** Logs the certificates in use that expire soon or are not valid. */
  check(): void {
    const { transports, log, now = Date.now } = this.#options;
    for (const certificate of transports.flatMap(({ certificates }) => certificates)) {
      const days = daysLeft(certificate, now());
      const reason = whyInvalid(certificate, now());
      const details = { file: certificate.file, daysLeft: Math.floor(days) };
      if (reason !== undefined) log.error("a certificate in use is not valid", { reason, ...details });
      else if (days < soonDays) log.warn("a certificate in use expires soon: renew it, then send SIGHUP", details);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
