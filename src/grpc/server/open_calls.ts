import { ChatError } from "../../core/chat_error.ts";
import type { IncomingCall } from "./incoming_call.ts";

export interface CallLimits {
  /** Calls of one user, live sessions included. */
  maxPerUser: number;
  /** Calls from one address (of an IPv6 /64 network), over connections over which no user has logged in. */
  maxPerAddress: number;
  /**
   * Octets of answers that the clients of a user, or of an address, have not taken; beyond it, new calls are refused.
   */
  maxUnreadBytes: number;
}

export const standardCallLimits: CallLimits = {
  maxPerUser: 128,
  maxPerAddress: 128,
  maxUnreadBytes: 8 * 1024 * 1024,
};

interface Bound {
  readonly limit: number;
  /** The error for people. */
  readonly refusal: string;
}

/**
 * Bounds the calls that are open at once. A call is open until the client has taken its answer, or its stream is gone.
 */
export class OpenCalls implements Iterable<IncomingCall> {
  readonly #limits: CallLimits;
  /** Keys of the open calls. */
  readonly #keys = new Map<IncomingCall, string>();
  /** The calls of each key: few, for which an array is smaller than a set. */
  readonly #open = new Map<string, readonly IncomingCall[]>();

  constructor(limits: CallLimits) {
    this.#limits = limits;
  }

  [Symbol.iterator](): Iterator<IncomingCall> {
    return this.#keys.keys();
  }

  /** Octets of answers that clients have not taken yet. */
  get unreadBytes(): number {
    return unreadBytes(this.#keys.keys());
  }

  /**
   * Counts a call. Beyond the limit of the connection's owner, the call may belong to another user behind the same
   * proxy: it counts for the address until its user is known.
   * @throws {ChatError} `limit_reached`
   */
  add(call: IncomingCall): void {
    const { owner, addressKey } = call.connection;
    if (owner !== undefined && this.#refusal(userKey(owner), this.#userBound) === undefined) {
      return this.#addForUser(call, owner);
    }
    this.#count(call, `address ${addressKey}`, {
      limit: this.#limits.maxPerAddress,
      refusal: "Too many open calls from your address. Read their answers, or log in first.",
    });
  }

  /** Counts a call as the user's from now on. @throws {ChatError} `limit_reached` when the user has too many */
  assignTo(call: IncomingCall, user: string): void {
    const key = this.#keys.get(call);
    if (key === undefined || key === userKey(user)) return;
    this.#addForUser(call, user);
    this.#discount(call, key);
  }

  /** Uncounts a call that is over. */
  delete(call: IncomingCall): void {
    const key = this.#keys.get(call);
    if (key === undefined) return;
    this.#keys.delete(call);
    this.#discount(call, key);
  }

  get #userBound(): Bound {
    const limit = this.#limits.maxPerUser;
    const refusal = `You have ${limit} open calls and sessions. Read their answers, or end some of them first.`;
    return { limit, refusal };
  }

  #addForUser(call: IncomingCall, user: string): void {
    this.#count(call, userKey(user), this.#userBound);
  }

  #count(call: IncomingCall, key: string, bound: Bound): void {
    const refusal = this.#refusal(key, bound);
    if (refusal !== undefined) throw new ChatError("limit_reached", refusal);
    this.#open.set(key, (this.#open.get(key) ?? []).concat(call));
    this.#keys.set(call, key);
  }

  /** Returns the error for one more call; undefined when it is allowed. */
  #refusal(key: string, { limit, refusal }: Bound): string | undefined {
    const calls = this.#open.get(key) ?? [];
    if (calls.length >= limit) return refusal;
    const isUnread = unreadBytes(calls) > this.#limits.maxUnreadBytes;
    return isUnread ? "Too many answers to your calls are unread. Read them first." : undefined;
  }

  #discount(call: IncomingCall, key: string): void {
    const left = this.#open.get(key)!.filter((other) => other !== call);
    if (left.length === 0) this.#open.delete(key);
    else this.#open.set(key, left);
  }
}

function unreadBytes(calls: Iterable<IncomingCall>): number {
  let bytes = 0;
  for (const call of calls) bytes += call.queuedBytes;
  return bytes;
}

function userKey(user: string): string {
  return `user ${user}`;
}
