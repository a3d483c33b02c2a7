import type { ChatError } from "../../../core/chat_error.ts";
import { DeliveryMode } from "../../../gen/chatd/v1/session.ts";

export interface SendingNoticesOptions {
  note(text: string): void;
  warn(text: string): void;
}

/** Tells the person, once each, why messages are not accepted yet, and how they arrive. */
export class SendingNotices {
  readonly #options: SendingNoticesOptions;
  #postponed: string | undefined;
  #delivery = DeliveryMode.STREAM;

  constructor(options: SendingNoticesOptions) {
    this.#options = options;
  }

  postponed(reason: ChatError): void {
    if (this.#postponed === reason.code) return;
    this.#postponed = reason.code;
    this.#options.warn(`Not accepted yet, retrying: ${reason.message}`);
  }

  /** A message was accepted: the next postponement is told again. */
  accepted(): void {
    this.#postponed = undefined;
  }

  deliveryChanged({ mode, reason }: { mode: DeliveryMode; reason: string }): void {
    if (mode === this.#delivery && reason === "") return;
    this.#delivery = mode;
    const way = mode === DeliveryMode.CALLBACK ? "by server callback" : "over this client's connection";
    this.#options.note(`Messages arrive ${way}${reason === "" ? "." : `: ${reason}`}`);
  }
}
