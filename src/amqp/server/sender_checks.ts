import type { ConsumeMessage } from "amqplib";
import { isUndecodable } from "../connection/header_frames.ts";
import { processOf } from "../direct_address.ts";
import type { FloodGuard } from "../senders/flood_guard.ts";
import type { KnownChannels } from "../senders/known_channels.ts";
import { registrationQueue, registrationUser } from "../topology.ts";
import type { DirectReply } from "./direct_replies.ts";
import { ReplyBudget } from "./reply_budget.ts";

export interface SenderChecksOptions {
  readonly channels: KnownChannels;
  readonly guard: FloodGuard;
  /** Broker users are not chatd accounts. */
  readonly sharedLogin: boolean;
  /** Closes a connection by its name in the broker's lists. */
  closeConnection?(name: string): void;
}

/**
 * Decides which messages are processed and which senders are answered; closes the connections of senders that abuse
 * either.
 */
export class SenderChecks {
  readonly #options: SenderChecksOptions;
  readonly #budget = new ReplyBudget();

  constructor(options: SenderChecksOptions) {
    this.#options = options;
  }

  /**
   * Returns whether to process a message; others are dropped for good. Returns a promise while the broker may still
   * report its channel.
   * @param checksAddress whether its `reply_to` has this broker's form, and the broker reports channels
   */
  judge(
    { properties, fields }: ConsumeMessage,
    { queue, checksAddress }: { queue: string; checksAddress: boolean },
  ): boolean | Promise<boolean> {
    const { userId = "", replyTo } = properties;
    const { channels, guard } = this.#options;
    if (isUndecodable(properties)) {
      guard.disconnect(userId, "headers that cannot be decoded");
      return false;
    }
    // Registering clients ask again: a message that ended a connection must not reach the next one.
    if (queue === registrationQueue && fields.redelivered) return false;
    if (!checksAddress) return true;
    const known = channels.judge(replyTo, userId);
    if (known !== undefined) return known || this.#rejectForged(userId);
    // A message that cannot wait proves nothing about its sender: all clients of a server may reconnect at once.
    return channels.judgeLater(replyTo, userId).then((later) =>
      later === false ? this.#rejectForged(userId) : later === true
    );
  }

  /** Returns whether one more direct reply is within bounds. */
  admits({ sender, address: { replyTo = "" } }: DirectReply): boolean {
    const { sharedLogin, channels, guard, closeConnection } = this.#options;
    const isShared = sharedLogin || sender === registrationUser || sender === "";
    const verdict = this.#budget.spend(isShared ? `channel ${processOf(replyTo)}` : sender, performance.now());
    if (verdict === "close") {
      const connection = channels.at(replyTo)?.connection;
      if (connection === undefined) guard.disconnect(sender, "too many refused requests");
      else closeConnection?.(connection.name);
    }
    return verdict === "send";
  }

  #rejectForged(user: string): false {
    this.#options.guard.disconnect(user, "forged reply_to");
    return false;
  }
}
