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
 * Charges each call without a valid token, and each call above its user's rate: to the user of its connection, or else
 * to its address.
 */
export class StrangerCalls {
  readonly #limits: StrangersLimits;
  readonly #budget: StrangersBudget;

  constructor(limits: StrangersLimits) {
    this.#limits = limits;
    this.#budget = new StrangersBudget(limits);
  }

  /** Returns whether one more call may use a connection; otherwise closes the connection. */
  mayCall(connection: ClientConnection): boolean {
    if (!this.#budget.isUsedUp(keyOf(connection))) return true;
    if (++connection.callsBeyond <= this.#limits.callsBeyond) return true;
    // A user may log in over a new connection at once, so the address pays for the calls that were answered beyond the
    // budget.
    if (connection.owner !== undefined) {
      this.#budget.spend(connection.addressKey, this.#limits.callsBeyond + strangersCosts.connection);
    }
    connection.close();
    return false;
  }

  /** Charges the cost of a call in advance, if the call may be refused. @throws {ChatError} `rate_limited` */
  admit({ path, connection }: IncomingCall): void {
    // Charged to the address: otherwise several users at one address could try as many passwords as several addresses.
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

  /** Charges the cost of reflection in advance. @throws {ChatError} `rate_limited` */
  admitReflection(connection: ClientConnection, cost: number): void {
    const key = keyOf(connection);
    this.#refuse(this.#budget.takeReflection(key, cost), { key, cost });
  }

  /**
   * Refuses work that has to wait. The wait covers the refused call, the next one and its work, so a client that waits
   * that long is never beyond the budget.
   * @throws {ChatError} `rate_limited`
   */
  #refuse(waitMs: number, { key, cost }: { key: string; cost: number }): void {
    if (waitMs === 0) return;
    const retryAfterMs = Math.max(waitMs, this.#budget.waitMs(key, cost + 2 * strangersCosts.call));
    const seconds = Math.ceil(retryAfterMs / 1000);
    throw new ChatError("rate_limited", `Too many requests without a login: wait ${seconds} s.`, { retryAfterMs });
  }

  /** Returns the milliseconds that a new connection has to wait until it can pay for a login. */
  holdMs({ addressKey }: ClientConnection): number {
    return this.#budget.waitMs(addressKey, strangersCosts.call + strangersCosts.account);
  }

  /** Charges a closed connection over which no user had logged in. */
  chargeStranger({ addressKey }: ClientConnection): void {
    this.#budget.spend(addressKey, strangersCosts.connection);
  }
}

function keyOf({ owner, addressKey }: ClientConnection): string {
  return owner === undefined ? addressKey : `user ${owner}`;
}
