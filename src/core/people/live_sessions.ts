import type { Identity, Revocation } from "../accounts/accounts.ts";
import { ChatError } from "../chat_error.ts";
import type { Message } from "../messages/message.ts";
import type { UserSet } from "../messages/message_store.ts";
import type { Notice } from "./notice.ts";

/** A live session, as the core sees it: the holder of a consumer. */
export interface Subscriber {
  readonly identity: Identity;
  /** Name of the consumer; at most one subscriber of a device holds it. */
  readonly consumer: string;
  /** Offers a committed message that the user may see, in the order of the log. `own`: this subscriber sent it. */
  offer(message: Message, own: boolean): void;
  /** Announces an entry at this position whose visibility only the store knows, in the order of the log. */
  lookUp(position: number): void;
  notify(notice: Notice): void;
  /** Ends the session and tells the client why. */
  end(reason: ChatError): void;
}

const maxSessions = 64;

/** The consumers of chatd's own programs that are no person's screen; others of programs have a colon in their name. */
const consumerOfProgram = /:|^(?:script|pipe|export)(?:-\d+)?$/;

/** Returns whether a consumer is that of a program, such as `tail:alerts`, which says nothing about its user. */
export function isProgram(consumer: string): boolean {
  return consumerOfProgram.test(consumer);
}

/** The connected sessions of all users. */
export class LiveSessions {
  /** Arrays are replaced, never changed, because sessions end during iteration. */
  readonly #byUser = new Map<string, readonly Subscriber[]>();

  /**
   * Adds a subscriber and ends one with the same consumer.
   * @returns whether the user was offline before
   * @throws {ChatError} `limit_reached` when the user has too many sessions
   */
  add(subscriber: Subscriber): boolean {
    const { user, deviceId } = subscriber.identity;
    const before = this.of(user);
    const isReplaced = ({ identity, consumer }: Subscriber) =>
      identity.deviceId === deviceId && consumer === subscriber.consumer;
    const kept = before.filter((other) => !isReplaced(other));
    if (kept.length >= maxSessions) {
      throw new ChatError(
        "limit_reached",
        `You have reached the limit of ${maxSessions} live sessions. End some of them first.`,
      );
    }
    this.#byUser.set(user, kept.concat(subscriber));
    for (const other of before.filter(isReplaced)) {
      other.end(new ChatError("session_replaced", "This session was taken over by a newer one of the same device."));
    }
    return before.length === 0;
  }

  /** Removes a subscriber. @returns whether the user is offline now */
  remove(subscriber: Subscriber): boolean {
    const { user } = subscriber.identity;
    const subscribers = this.of(user);
    const left = subscribers.filter((other) => other !== subscriber);
    if (left.length > 0) this.#byUser.set(user, left);
    else this.#byUser.delete(user);
    return left.length === 0 && subscribers.length > 0;
  }

  /** A live view of the users who are online. */
  get online(): UserSet {
    return this.#byUser;
  }

  get userCount(): number {
    return this.#byUser.size;
  }

  /** Names of the users who are online. */
  users(): Iterable<string> {
    return this.#byUser.keys();
  }

  of(user: string): readonly Subscriber[] {
    return this.#byUser.get(user) ?? [];
  }

  isOnline(user: string): boolean {
    return this.#byUser.has(user);
  }

  isDeviceOnline(user: string, deviceId: string): boolean {
    for (const subscriber of this.of(user)) if (subscriber.identity.deviceId === deviceId) return true;
    return false;
  }

  isConsumerOnline(user: string, deviceId: string, consumer: string): boolean {
    for (const each of this.of(user)) {
      if (each.identity.deviceId === deviceId && each.consumer === consumer) return true;
    }
    return false;
  }

  get count(): number {
    let count = 0;
    for (const subscribers of this.#byUser.values()) count += subscribers.length;
    return count;
  }

  endRevoked({ user, deviceId, exceptDeviceId, reason }: Revocation): void {
    for (const subscriber of this.of(user)) {
      const device = subscriber.identity.deviceId;
      if (deviceId !== undefined && device !== deviceId) continue;
      if (device !== exceptDeviceId) subscriber.end(reason);
    }
  }

  endAll(reason: ChatError): void {
    for (const subscribers of [...this.#byUser.values()]) {
      for (const subscriber of subscribers) subscriber.end(reason);
    }
  }
}
