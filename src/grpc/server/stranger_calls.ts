import { ChatError } from "../../core/chat_error.ts";
import { AuthServiceDefinition } from "../../gen/chatd/v1/auth_service.ts";
import { pathOf } from "../service_definition.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { IncomingCall } from "./incoming_call.ts";
import { reflectionPaths } from "./reflection.ts";
import { StrangersBudget, strangersCosts, type StrangersLimits } from "./strangers_budget.ts";

const accountPaths = new Set([pathOf(AuthServiceDefinition, "logIn"), pathOf(AuthServiceDefinition, "register")]);
const reflection = new Set(reflectionPaths);

/**
 * Charges each call that came without a good token, and each that was above its user's rate: to the user whose connection it
 * comes over, otherwise to its address.
 */
export class StrangerCalls {
  readonly #limits: StrangersLimits;
  readonly #budget: StrangersBudget;

  constructor(limits: StrangersLimits) {
    this.#limits = limits;
    this.#budget = new StrangersBudget(limits);
  }

  /** Whether one more call may come over a connection; if not, the connection is closed. */
  mayCall(connection: ClientConnection): boolean {
    if (!this.#budget.isUsedUp(keyOf(connection))) return true;
    if (++connection.callsBeyond <= this.#limits.callsBeyond) return true;
    // A user may log in over the next one at once: the address pays for the calls that were answered beyond the budget.
    if (connection.owner !== undefined) {
      this.#budget.spend(connection.addressKey, this.#limits.callsBeyond + strangersCosts.connection);
    }
    connection.close();
    return false;
  }

  /** Takes the cost of a call beforehand, where it may be refused. @throws {ChatError} `rate_limited` */
  admit({ path, connection }: IncomingCall): void {
    // Paid by the address: otherwise several users at one address could try as many passwords as several addresses.
    if (accountPaths.has(path)) {
      const { addressKey: key } = connection;
      this.#refuse(this.#budget.take(key, strangersCosts.account), { key, cost: strangersCosts.account });
    }
    if (reflection.has(path)) this.admitReflection(connection, strangersCosts.reflection);
  }

  /** Charges a call that is over. */
  charge({ connection, isLoggedIn, refusedFor }: IncomingCall): void {
    if (!isLoggedIn || refusedFor === "rate_limited") this.#budget.spend(keyOf(connection), strangersCosts.call);
  }

  /** Takes the cost of reflection from the budget before it is done. @throws {ChatError} `rate_limited` */
  admitReflection(connection: ClientConnection, cost: number): void {
    const key = keyOf(connection);
    this.#refuse(this.#budget.takeReflection(key, cost), { key, cost });
  }

  /**
   * Refuses work that has to wait. The wait lasts until the refused call, the next one and its work can be paid for: a client
   * that keeps to it is never beyond the budget.
   * @throws {ChatError} `rate_limited`
   */
  #refuse(waitMs: number, { key, cost }: { key: string; cost: number }): void {
    if (waitMs === 0) return;
    const retryAfterMs = Math.max(waitMs, this.#budget.waitMs(key, cost + 2 * strangersCosts.call));
    const seconds = Math.ceil(retryAfterMs / 1000);
    throw new ChatError("rate_limited", `Too many requests without a login: wait ${seconds} s.`, { retryAfterMs });
  }

  /** Milliseconds that a new connection has to wait, until a log-in over it can be paid for. */
  holdMs({ addressKey }: ClientConnection): number {
    return this.#budget.waitMs(addressKey, strangersCosts.call + strangersCosts.account);
  }

  /** Charges a connection that was closed, and over which no user had logged in. */
  strangerGone({ addressKey }: ClientConnection): void {
    this.#budget.spend(addressKey, strangersCosts.connection);
  }
}

function keyOf({ owner, addressKey }: ClientConnection): string {
  return owner === undefined ? addressKey : `user ${owner}`;
}
