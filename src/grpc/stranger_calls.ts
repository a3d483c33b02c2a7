import { ChatError } from "../core/chat_error.ts";
import { AuthServiceService } from "../gen/chatd/v1/auth_service.ts";
import type { ClientConnection } from "./client_connection.ts";
import type { IncomingCall } from "./incoming_call.ts";
import { reflectionPaths } from "./reflection.ts";
import { StrangersBudget, strangersCosts, type StrangersLimits } from "./strangers_budget.ts";

const accountPaths = new Set<string>([AuthServiceService.logIn.path, AuthServiceService.register.path]);
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
    if (accountPaths.has(path)) refuseFor(this.#budget.take(connection.addressKey, strangersCosts.account));
    if (reflection.has(path)) this.admitReflection(connection, strangersCosts.reflection);
  }

  /** Charges a call that is over. */
  charge({ connection, isLoggedIn, refusedFor }: IncomingCall): void {
    if (!isLoggedIn || refusedFor === "rate_limited") this.#budget.spend(keyOf(connection), strangersCosts.call);
  }

  /** Takes the cost of reflection from the budget before it is done. @throws {ChatError} `rate_limited` */
  admitReflection(connection: ClientConnection, cost: number): void {
    refuseFor(this.#budget.takeReflection(keyOf(connection), cost));
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

/** @throws {ChatError} `rate_limited` when there is something to wait for */
function refuseFor(retryAfterMs: number): void {
  if (retryAfterMs === 0) return;
  const wait = Math.ceil(retryAfterMs / 1000);
  throw new ChatError("rate_limited", `Too many requests without a login: wait ${wait} s.`, { retryAfterMs });
}
