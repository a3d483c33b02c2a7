import type { ConsumeMessage } from "amqplib";
import { isUndecodable } from "../connection/header_frames.ts";
import { processOf } from "../incoming.ts";
import type { FloodGuard } from "../senders/flood_guard.ts";
import type { KnownChannels } from "../senders/known_channels.ts";
import { registrationQueue, registrationUser } from "../topology.ts";
import type { DirectReply } from "./direct_replies.ts";
import { ReplyBudget } from "./reply_budget.ts";

export interface SenderChecksOptions {
  readonly channels: KnownChannels;
  readonly guard: FloodGuard;
  /** The broker's users are not chatd's. */
  readonly sharedLogin: boolean;
  /** Closes the connection that the broker calls so. */
  closeConnection?(name: string): void;
}

/** Decides which messages are looked at, and which senders are answered; closes the connections of those who abuse either. */
export class SenderChecks {
  readonly #options: SenderChecksOptions;
  readonly #budget = new ReplyBudget();

  constructor(options: SenderChecksOptions) {
    this.#options = options;
  }

  /**
   * Whether a message may be looked at; what may not is thrown away for good. A promise when the broker may still tell of its channel.
   * @param checksAddress whether its `reply_to` is of this broker's form, and the broker tells of channels
   */
  judge(
    { properties, fields }: ConsumeMessage,
    { queue, checksAddress }: { queue: string; checksAddress: boolean },
  ): boolean | Promise<boolean> {
    const { userId = "", replyTo } = properties;
    const { channels, guard } = this.#options;
    if (isUndecodable(properties)) {
      guard.throwOff(userId, "headers that cannot be decoded");
      return false;
    }
    // Clients that register ask again: no message that ended a connection reaches the next one.
    if (queue === registrationQueue && fields.redelivered) return false;
    if (!checksAddress) return true;
    const known = channels.judge(replyTo, userId);
    if (known !== undefined) return known || this.#forged(userId);
    // A message that cannot wait its turn says nothing of its sender: a whole server's clients may come back at once.
    return channels.judgeLater(replyTo, userId).then((later) =>
      later === false ? this.#forged(userId) : later === true
    );
  }

  /** Whether one more direct reply is within bounds. */
  admits({ sender, address: { replyTo = "" } }: DirectReply): boolean {
    const { sharedLogin, channels, guard, closeConnection } = this.#options;
    const isShared = sharedLogin || sender === registrationUser || sender === "";
    const verdict = this.#budget.spend(isShared ? `channel ${processOf(replyTo)}` : sender, performance.now());
    if (verdict === "close") {
      const connection = channels.at(replyTo)?.connection;
      if (connection === undefined) guard.throwOff(sender, "too many refused requests");
      else closeConnection?.(connection.name);
    }
    return verdict === "send";
  }

  #forged(user: string): false {
    this.#options.guard.throwOff(user, "forged reply_to");
    return false;
  }
}
