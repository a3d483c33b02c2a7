import type { Identity, Revocation } from "./accounts.ts";
import { ChatError } from "./chat_error.ts";
import type { Message } from "./message.ts";
import type { Notice } from "./notice.ts";

/** The live end of a consumer: what a session is to the core. */
export interface Subscriber {
  readonly identity: Identity;
  /** Name of the consumer; at most one subscriber holds one of a device. */
  readonly consumer: string;
  /** A committed message that this user may see. Calls come in the order of the log. `own`: this very subscriber sent it. */
  offer(message: Message, own: boolean): void;
  /** An entry was committed at this position that the user may see or not, which the store knows. In the order of the log too. */
  lookUp(position: number): void;
  notify(notice: Notice): void;
  /** Ends the session and tells the client why. */
  end(reason: ChatError): void;
}

const maxSessions = 64;

/** Who is connected right now. */
export class LiveSessions {
  readonly #byUser = new Map<string, Set<Subscriber>>();

  /**
   * Adds a subscriber; one that held the same consumer is ended. @returns whether the user was offline before.
   * @throws {ChatError} `limit_reached` when the user has so many that it cannot be added.
   */
  add(subscriber: Subscriber): boolean {
    const { user, deviceId } = subscriber.identity;
    const subscribers = this.#byUser.get(user);
    if (subscribers === undefined) {
      this.#byUser.set(user, new Set([subscriber]));
      return true;
    }
    for (const other of [...subscribers]) {
      if (other.identity.deviceId === deviceId && other.consumer === subscriber.consumer) {
        subscribers.delete(other);
        other.end(new ChatError("session_replaced", "This session was taken over by a newer one of the same device."));
      }
    }
    if (subscribers.size >= maxSessions) {
      throw new ChatError(
        "limit_reached",
        `You have ${maxSessions} live sessions, which is as many as you may: end some of them first.`,
      );
    }
    subscribers.add(subscriber);
    return false;
  }

  /** @returns whether the user is offline now. */
  remove(subscriber: Subscriber): boolean {
    const { user } = subscriber.identity;
    const subscribers = this.#byUser.get(user);
    if (subscribers === undefined || !subscribers.delete(subscriber) || subscribers.size > 0) return false;
    this.#byUser.delete(user);
    return true;
  }

  get userCount(): number {
    return this.#byUser.size;
  }

  /** The names of those who are online. */
  users(): Iterable<string> {
    return this.#byUser.keys();
  }

  of(user: string): Iterable<Subscriber> {
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
    for (const subscribers of this.#byUser.values()) count += subscribers.size;
    return count;
  }

  endRevoked({ user, deviceId, exceptDeviceId, reason }: Revocation): void {
    for (const subscriber of [...this.of(user)]) {
      const device = subscriber.identity.deviceId;
      if (deviceId !== undefined && device !== deviceId) continue;
      if (device !== exceptDeviceId) subscriber.end(reason);
    }
  }

  endAll(reason: ChatError): void {
    for (const subscribers of [...this.#byUser.values()]) {
      for (const subscriber of [...subscribers]) subscriber.end(reason);
    }
  }
}
