import type { AuditEvent, AuditLog } from "../audit/audit.ts";
import type { ChatError } from "../chat_error.ts";
import type { Clock } from "../clock.ts";
import type { KeyedLock } from "../keyed_lock.ts";
import type { Log } from "../log.ts";
import type { AccountStore, UserRecord } from "./account_store.ts";
import { type LoginAttempt, LoginThrottle } from "./login_throttle.ts";
import type { PasswordCheck } from "./password_check.ts";

export interface PasswordGateOptions {
  readonly store: AccountStore;
  readonly passwords: PasswordCheck;
  /** Changes of one user never overlap. */
  readonly locks: KeyedLock;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: AuditLog;
}

export interface GuardedTask<T> {
  readonly attempt: LoginAttempt;
  readonly password: string;
  /** Fails even with the right password. */
  readonly refuse?: boolean;
  /** The error for a wrong password. */
  readonly wrong: ChatError;
  /** Details for the audit log when the password is wrong. */
  readonly noted: Pick<AuditEvent, "address" | "detail">;
  run(record: UserRecord): Promise<T>;
}

/** Runs tasks that require a user's password, and throttles guessing. */
export class PasswordGate {
  readonly #options: PasswordGateOptions;
  readonly #throttle = new LoginThrottle();

  constructor(options: PasswordGateOptions) {
    this.#options = options;
  }

  /**
   * Runs a task under the user's lock with a record that the password matches. Verifies the password again if the
   * record changed during verification.
   * @throws {ChatError} `wrong`, `rate_limited`, `busy`; errors of the task
   */
  async pass<T>(task: GuardedTask<T>): Promise<T> {
    const { store, passwords, locks, clock } = this.#options;
    const { attempt, password, refuse = false } = task;
    const { user, address } = attempt;
    for (;;) {
      this.#throttle.check(attempt, clock.now());
      const record = await this.#findAccount(user);
      const { matches, renewed } = await passwords.verify(address ?? "broker", password, record?.passwordHash);
      if (!matches || refuse) throw this.#reportFailure(task, record);
      const done = await locks.run(user, async () => {
        const current = await this.#findAccount(user);
        if (current === undefined || current.passwordHash !== record?.passwordHash) return undefined;
        this.#throttle.succeeded(attempt);
        if (renewed !== undefined) await store.rehashPassword(user, renewed);
        return { value: await task.run(current) };
      });
      if (done) return done.value;
    }
  }

  #reportFailure({ attempt, noted, wrong }: GuardedTask<unknown>, record: UserRecord | undefined): ChatError {
    const { clock, log, audit } = this.#options;
    const { user, address } = attempt;
    this.#throttle.failed(attempt, clock.now());
    // An unknown name may be a password that was typed into the wrong field.
    log.warn("login failed", record === undefined ? { address } : { user, address });
    const details = record === undefined ? { detail: "unknown name" } : { ...noted, subject: user };
    audit.record({ action: "log_in_failed", actor: "", address: noted.address ?? "", ...details });
    return wrong;
  }

  /** Treats a deleted account as missing: its alias has no password. */
  async #findAccount(name: string): Promise<UserRecord | undefined> {
    const record = await this.#options.store.findUser(name);
    return record?.deleted ? undefined : record;
  }
}
