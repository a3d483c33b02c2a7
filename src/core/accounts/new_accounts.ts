import { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import type { AccountStore, AddUserOptions } from "./account_store.ts";
import { looksReserved } from "./name_skeleton.ts";
import { parseNewPassword } from "./password.ts";
import type { PasswordCheck } from "./password_check.ts";
import type { RegistrationGate } from "./registration.ts";
import { parseNewUserName } from "./user_name.ts";

export interface NewAccountsOptions {
  readonly store: AccountStore;
  readonly clock: Clock;
  readonly passwords: PasswordCheck;
  readonly gate: RegistrationGate;
  /** Number of accounts that closes registration; unlimited unless given. */
  readonly maxUsers?: number;
}

export interface NewAccount {
  readonly user: string;
  readonly password: string;
  /** "" without an invitation. */
  readonly invite: string;
  /** Remote address of the request. */
  readonly address: string;
}

/** An account that the operator adds. */
export interface NewUser {
  readonly name: string;
  readonly password: string;
  readonly allowSimilar?: boolean;
}

/** Creates accounts, by registration and for the operator. */
export class NewAccounts {
  readonly #options: NewAccountsOptions;

  constructor(options: NewAccountsOptions) {
    this.#options = options;
  }

  /**
   * Creates an account as far as the registration mode allows it.
   * @throws {ChatError} `invalid_argument`, `registration_closed`, `invite_invalid`, `already_exists`, `limit_reached`,
   * `rate_limited`, `busy`
   */
  async register(account: NewAccount): Promise<void> {
    const { gate, passwords, maxUsers } = this.#options;
    const { user, address } = account;
    parseNewUserName(user);
    if (looksReserved(user)) throw nameSimilar(user);
    const password = parseNewPassword(account.password);
    const invite = await gate.admit(account);
    // Only the holder of a valid invitation may learn that a name is taken.
    if (invite === undefined) await this.#requireFreeName(user);
    await this.#add(user, await passwords.hash(address, password), { invite, maxUsers });
  }

  /**
   * Creates an account for the operator. `allowSimilar`: also when its name looks like another.
   * @throws {ChatError} `invalid_argument`, `already_exists`, `busy`
   */
  async add({ allowSimilar = false, ...user }: NewUser): Promise<void> {
    parseNewUserName(user.name);
    if (!allowSimilar && looksReserved(user.name)) throw nameSimilar(user.name);
    const password = parseNewPassword(user.password);
    await this.#requireFreeName(user.name);
    await this.#add(user.name, await this.#options.passwords.hash("operator", password), { allowSimilar });
  }

  async #requireFreeName(name: string): Promise<void> {
    if (await this.#options.store.findUser(name) !== undefined) throw nameTaken(name);
  }

  async #add(name: string, passwordHash: string, options: AddUserOptions): Promise<void> {
    const { store, clock } = this.#options;
    const result = await store.addUser({ name, passwordHash, disabled: false, createdAt: clock.now() }, options);
    if (result === "exists") throw nameTaken(name);
    if (result === "similar") throw nameSimilar(name);
    if (result === "added") return;
    if (result === "full") {
      throw new ChatError("limit_reached", "This server has reached its account limit. Ask the operator.");
    }
    throw new ChatError(
      "invite_invalid",
      "This invitation is unknown, used or expired. Ask the operator for a new one.",
    );
  }
}

/** The error names no other account: the person need not know which one it is. */
function nameSimilar(name: string): ChatError {
  return new ChatError(
    "already_exists",
    `The name "${name}" looks like a name that is taken: choose another. The operator can allow it (--allow-similar).`,
  );
}

function nameTaken(name: string): ChatError {
  return new ChatError("already_exists", `The name "${name}" is taken: choose another, or log in if it is yours.`);
}
