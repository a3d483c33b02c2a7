import type { Pin } from "../core/messages/message.ts";
import type { ListPinsResponse } from "../gen/chatd/v1/chat.ts";
import { fromWirePin } from "../wire/convert.ts";
import type { RoomRequestsOptions } from "./room_requests.ts";

/** Requests about the pinned messages of conversations. They throw `ChatError`; pins arrive as events of the log. */
export class PinRequests {
  readonly #options: RoomRequestsOptions;

  constructor(options: RoomRequestsOptions) {
    this.#options = options;
  }

  /** Pins a message for all members. */
  async add(to: string, seq: number): Promise<void> {
    await this.#change(to, { seq, remove: false });
  }

  /** Removes the pin of a message, also one of another user. */
  async remove(to: string, seq: number): Promise<void> {
    await this.#change(to, { seq, remove: true });
  }

  /** Returns the pins of a conversation, the newest first. */
  async list(address: string): Promise<Pin[]> {
    const pins: Pin[] = [];
    for (let beforePosition = 0, more = true; more;) {
      const value = { with: address, beforePosition, limit: 0 };
      const page = await this.#options.request({ $case: "listPins", value }) as ListPinsResponse;
      pins.push(...page.pins.flatMap((pin) => fromWirePin(pin) ?? []));
      beforePosition = page.pins.at(-1)?.position ?? 0;
      more = page.more && beforePosition > 0;
    }
    return pins;
  }

  async #change(to: string, change: { seq: number; remove: boolean }): Promise<void> {
    await this.#options.repeat({ $case: "pin", value: { to, id: this.#options.createId(), ...change } });
  }
}
