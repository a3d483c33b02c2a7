import { type AuditLog, noAudit, operator } from "../audit/audit.ts";
import { calmLog } from "../calm_log.ts";
import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import { KeyedLock } from "../keyed_lock.ts";
import type { Log } from "../log.ts";
import { countLogin, type Metrics, silentMetrics } from "../metrics.ts";
import type { AccountStore, DeviceRecord, UserRecord } from "./account_store.ts";
import { Devices, revoked, unauthenticated } from "./devices.ts";
import { HashQueue } from "./hash_queue.ts";
import { type Credentials, type Identity, parseDeviceName, type Revocation } from "./identity.ts";
import type { LoginAttempt } from "./login_throttle.ts";
import { type NewAccount, NewAccounts, type NewUser } from "./new_accounts.ts";
import { parseNewPassword, parsePassword } from "./password.ts";
import { PasswordCheck } from "./password_check.ts";
import { PasswordGate } from "./password_gate.ts";
import type { PasswordHasher } from "./password_hasher.ts";
import { type Registration, RegistrationGate } from "./registration.ts";
import { Revocations } from "./revocations.ts";
import { hashSecret } from "./secret.ts";
import { createDeletedName, parseUserName } from "./user_name.ts";

export type { Credentials, Identity, Revocation } from "./identity.ts";
export type { Registration } from "./registration.ts";

export interface AccountsOptions {
  readonly store: AccountStore;
  readonly hasher: PasswordHasher;
  readonly clock: GuardedClock;
  readonly log: Log;
  readonly registration: Registration;
  /** Lifetime of a token after its last use, in milliseconds; 90 days unless given. */
  readonly tokenLifetimeMs?: number;
  /** Bounds the hashing of passwords; two at once and a short queue unless given. */
  readonly hashQueue?: HashQueue;
  /** Number of accounts that closes registration; unlimited unless given. */
  readonly maxUsers?: number;
  /** Records nothing unless given. */
  readonly audit?: AuditLog;
  /** Counts nothing unless given. */
  readonly metrics?: Metrics;
  /** Returns the SHA-256 of a token in hexadecimal; by WebCrypto unless given, which uses another thread. */
  readonly hashToken?: (token: string) => string | Promise<string>;
  /** Registrations from one address; a burst of 30 and one every 10 seconds unless given. */
  readonly registrationsPerAddress?: { readonly burst: number; readonly perSecond: number };
}

/** The steps of a caller that begins something with the identity of a token. */
export interface Entry {
  /** Called once, with an identity that may be revoked meanwhile. */
  prepare?(identity: Identity): Promise<void>;
  /**
   * Called last, in the same turn as the last check for revocations: a session that is opened here receives every later
   * revocation.
   */
  enter?(identity: Identity): void;
}

interface RegisterRequest extends NewAccount {
  readonly deviceName: string;
}

interface LogInRequest {
  readonly user: string;
  readonly password: string;
  readonly deviceName: string;
  readonly deviceId: string;
  /** Remote address of the request. */
  readonly address: string;
}

/** A user as the operator and the chat see it. */
export interface User {
  readonly name: string;
  readonly disabled: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** "" without one, like the status text. */
  readonly displayName: string;
  readonly status: string;
}

/** Registrations that one address may make at once, and per second after that. */
export const standardRegistrations = { burst: 30, perSecond: 1 / 10 };
/** Lifetime of a token after its last use, in milliseconds. */
export const defaultTokenLifetimeMs = 90 * 24 * 60 * 60 * 1000;
/** Registration, login and tokens. One instance owns the store's accounts, and changes of one user never overlap. */
export class Accounts {
  readonly #store: AccountStore;
  readonly #log: Log;
  readonly #audit: AuditLog;
  readonly #metrics: Metrics;
  readonly #hashToken: (token: string) => string | Promise<string>;
  readonly #gate: RegistrationGate;
  readonly #newAccounts: NewAccounts;
  readonly #devices: Devices;
  readonly #passwords: PasswordCheck;
  readonly #passwordGate: PasswordGate;
  readonly #locks = new KeyedLock();
  readonly #revocations: Revocations;

  constructor(options: AccountsOptions) {
    this.#store = options.store;
    this.#log = options.log;
    this.#audit = options.audit ?? noAudit;
    this.#metrics = options.metrics ?? silentMetrics;
    this.#hashToken = options.hashToken ?? hashSecret;
    this.#revocations = new Revocations(options.log);
    this.#devices = new Devices({
      ...options,
      log: calmLog(options.log),
      audit: this.#audit,
      tokenLifetimeMs: options.tokenLifetimeMs ?? defaultTokenLifetimeMs,
      revoke: (revocation) => this.#revocations.publish(revocation),
    });
    const passwords = this.#passwords = new PasswordCheck(options.hasher, options.hashQueue ?? new HashQueue());
    this.#passwordGate = new PasswordGate({ ...options, passwords, locks: this.#locks, audit: this.#audit });
    const gate = this.#gate = new RegistrationGate({
      store: options.store,
      clock: options.clock,
      mode: options.registration,
      perAddress: options.registrationsPerAddress ?? standardRegistrations,
    });
    this.#newAccounts = new NewAccounts({ ...options, passwords, gate });
  }

  /**
   * Creates a user and logs it in. `invite` is "" without an invitation, and is used up only if one was required.
   * @throws {ChatError} `invalid_argument`, `registration_closed`, `invite_invalid`, `already_exists`, `limit_reached`,
   * `rate_limited`, `busy`
   */
  async register(request: RegisterRequest): Promise<Credentials> {
    return await countLogin(this.#metrics, "register", () => this.#register(request));
  }

  async #register(request: RegisterRequest): Promise<Credentials> {
    const { user, address } = request;
    const deviceName = parseDeviceName(request.deviceName);
    await this.#newAccounts.register(request);
    this.#log.info("user registered", { user, address });
    this.#audit.record({ action: "registered", actor: user, address });
    return this.#locks.run(user, () => this.#devices.logIn(user, { name: deviceName }));
  }

  /**
   * Logs in. `deviceId` "" creates a device, as does the id of a device that was removed. The user's own device is
   * logged in again: its earlier token is revoked, and its live sessions end. A wrong password, an unknown name and
   * another user's device get the same error.
   * @throws {ChatError} `unauthenticated`, `invalid_argument`, `rate_limited`, `busy`; `permission_denied` for a
   * disabled account, only when the password was right
   */
  async logIn(request: LogInRequest): Promise<Credentials> {
    return await countLogin(this.#metrics, "log_in", () => this.#logIn(request));
  }

  async #logIn(request: LogInRequest): Promise<Credentials> {
    const { user, deviceId, address } = request;
    parseUserName(user);
    const password = parsePassword(request.password);
    const name = parseDeviceName(request.deviceName);
    const device = deviceId === "" ? undefined : await this.#store.findDevice(deviceId);
    const own = device?.user === user;
    const attempt: LoginAttempt = own ? { user, address, knownDeviceId: deviceId } : { user, address };
    return await this.#passwordGate.pass({
      attempt,
      password,
      refuse: device !== undefined && !own,
      noted: { address },
      wrong: new ChatError(
        "unauthenticated",
        `Cannot log in as "${user}": wrong name or password, or the device belongs to another user.`,
      ),
      run: async (record) => {
        if (record.disabled) {
          this.#audit.record({ action: "log_in_failed", actor: "", subject: user, address, detail: "disabled" });
          throw new ChatError("permission_denied", `The account "${user}" is disabled. Ask the operator.`);
        }
        const credentials = await this.#devices.logIn(user, { id: own ? deviceId : "", name });
        const detail = own ? "on a known device" : "on a new device";
        this.#audit.record({ action: "logged_in", actor: user, address, detail });
        return credentials;
      },
    });
  }

  /**
   * Returns whether this is the password of an enabled account; creates no device. Meant for a broker, which does not
   * pass on the client's address: failures are counted for each name and for all names together, apart from those of
   * `logIn`.
   * @throws {ChatError} `rate_limited`, `busy`
   */
  async verifyPassword(login: { user: string; password: string }): Promise<boolean> {
    return await countLogin(this.#metrics, "broker", () => this.#verifyPassword(login));
  }

  async #verifyPassword({ user, password }: { user: string; password: string }): Promise<boolean> {
    const wrong = new ChatError("unauthenticated", "The name or the password is wrong.");
    try {
      parseUserName(user);
      return await this.#passwordGate.pass({
        attempt: { user, address: undefined },
        password: parsePassword(password),
        wrong,
        noted: { detail: "at the broker" },
        run: (record) => Promise.resolve(!record.disabled),
      });
    } catch (error) {
      if (error === wrong || (error instanceof ChatError && error.code === "invalid_argument")) return false;
      throw error;
    }
  }

  /** Returns whether `register` would accept `invite`; uses up no invitation. */
  async mayRegister(invite: string): Promise<boolean> {
    return await this.#gate.mayRegister(invite);
  }

  /**
   * Returns the identity that a token belongs to, without hashing a password.
   * @throws {ChatError} `unauthenticated`; errors of `prepare` and `enter`
   */
  async authenticate(token: string, { prepare, enter }: Entry = {}): Promise<Identity> {
    const tokenHash = await this.#hashToken(token);
    for (let isPrepared = prepare === undefined;; isPrepared = true) {
      const { count } = this.#revocations;
      const identity = await this.#devices.identify(tokenHash);
      try {
        if (!isPrepared) await prepare?.(identity);
      } catch (error) {
        // A revocation may be the cause, such as that of a device whose consumer was being opened.
        if (count !== this.#revocations.count) await this.#devices.identify(tokenHash);
        throw error;
      }
      if (count !== this.#revocations.count) continue;
      enter?.(identity);
      return identity;
    }
  }

  /**
   * Extends the token of a connected device.
   * @throws {ChatError} `unauthenticated` when the device was logged out or its token has expired
   */
  async renew({ deviceId }: Identity): Promise<void> {
    await this.#devices.renew(deviceId);
  }

  /** Revokes the device's token and ends its live sessions. */
  async logOut({ user, deviceId, deviceName }: Identity): Promise<void> {
    await this.#locks.run(user, () => this.#devices.logOut(user, deviceId, "This device was logged out."));
    this.#audit.record({ action: "logged_out", actor: user, detail: deviceName });
  }

  /**
   * Changes the password, logs out all other devices and gives the calling device a new token; its live sessions
   * continue.
   * @throws {ChatError} `permission_denied` when `current` is wrong; `invalid_argument`, `unauthenticated`,
   * `rate_limited`, `busy`
   */
  async changePassword(identity: Identity, passwords: { current: string; next: string }): Promise<Credentials> {
    const { user, deviceId } = identity;
    const current = parsePassword(passwords.current);
    const next = parseNewPassword(passwords.next);
    // The prefix keeps a name that looks like an address apart from that address.
    const origin = `user ${user}`;
    return await this.#passwordGate.pass({
      attempt: { user, address: origin, knownDeviceId: deviceId },
      password: current,
      noted: { detail: "changing the password" },
      wrong: new ChatError("permission_denied", "Cannot change the password: the current password is wrong."),
      run: async (record) => {
        const device = await this.#store.findDevice(deviceId);
        if (record.disabled || device?.tokenHash === undefined) throw unauthenticated();
        const hash = await this.#passwords.hash(origin, next);
        const { token, tokenHash, expiresAt } = await this.#devices.createToken();
        await this.#store.changePassword(user, hash, { deviceId, tokenHash, expiresAt });
        this.#log.info("password changed", { user });
        this.#audit.record({ action: "password_changed", actor: user });
        this.#revocations.publish({
          user,
          exceptDeviceId: deviceId,
          reason: revoked("The password of this account was changed."),
        });
        return { user, token, deviceId, expiresAt };
      },
    });
  }

  /** Lists the devices on which the user is logged in, most recently used first. */
  async listDevices({ user }: Identity): Promise<DeviceRecord[]> {
    return await this.#devices.list(user);
  }

  /** Logs out one of the user's devices, possibly the calling one. @throws {ChatError} `not_found` */
  async revokeDevice(identity: Identity, deviceId: string): Promise<void> {
    const { user } = identity;
    await this.#locks.run(user, async () => {
      const device = await this.#store.findDevice(deviceId);
      if (device?.user !== user || device.tokenHash === undefined) {
        throw new ChatError(
          "not_found",
          "You have no logged-in device with this id. List your devices to see their ids.",
        );
      }
      this.#log.info("device revoked", { user, deviceId });
      this.#audit.record({ action: "device_revoked", actor: user, detail: device.name });
      await this.#devices.logOut(user, deviceId, "This device was logged out from another device.");
    });
  }

  /**
   * Calls `listener` for each revocation, synchronously after the store has it and before the revoking call resolves.
   */
  onRevoked(listener: (revocation: Revocation) => void): void {
    this.#revocations.listen(listener);
  }

  async findUser(name: string): Promise<User | undefined> {
    const record = await this.#store.findUser(name);
    return record && toUser(record);
  }

  /** Lists users by name; only names after `after` ("" for all), at most `limit`. */
  async listUsers(page: { after: string; limit: number }): Promise<User[]> {
    return (await this.#store.listUsers(page)).map(toUser);
  }

  /**
   * Adds a user for the operator, in any registration mode; with `allowSimilar`, also one whose name looks like another.
   * @throws {ChatError} `invalid_argument`, `already_exists`, `busy`
   */
  async addUser(user: NewUser): Promise<void> {
    await this.#newAccounts.add(user);
    this.#log.info("user added", { user: user.name });
    this.#audit.record({ action: "user_added", actor: operator, subject: user.name });
  }

  /**
   * Sets a password for the operator and logs out all devices.
   * @throws {ChatError} `not_found`, `invalid_argument`, `busy`
   */
  async setPassword(name: string, password: string): Promise<void> {
    const next = parseNewPassword(password);
    await this.#changeUser(name, async () => {
      await this.#store.changePassword(name, await this.#passwords.hash("operator", next));
      this.#log.info("password set", { user: name });
      this.#audit.record({ action: "password_changed", actor: operator, subject: name });
      this.#revocations.publish({ user: name, reason: revoked("The operator changed the password of this account.") });
    });
  }

  /** Disables an account for the operator: logs out all devices and refuses logins. @throws {ChatError} `not_found` */
  async disable(name: string): Promise<void> {
    await this.#changeUser(name, async () => {
      await this.#store.setDisabled(name, true);
      this.#log.info("user disabled", { user: name });
      this.#audit.record({ action: "user_disabled", actor: operator, subject: name });
      const message = `The account "${name}" was disabled. Ask the operator.`;
      this.#revocations.publish({ user: name, reason: new ChatError("token_revoked", message) });
    });
  }

  /** Enables an account for the operator. @throws {ChatError} `not_found` */
  async enable(name: string): Promise<void> {
    await this.#changeUser(name, async () => {
      await this.#store.setDisabled(name, false);
      this.#log.info("user enabled", { user: name });
      this.#audit.record({ action: "user_enabled", actor: operator, subject: name });
    });
  }

  /**
   * Checks the caller's password.
   * @throws {ChatError} `permission_denied` when it is wrong; `invalid_argument`, `rate_limited`, `busy`
   */
  async confirmPassword({ user, deviceId }: Identity, password: string): Promise<void> {
    // The prefix keeps a name that looks like an address apart from that address.
    await this.#passwordGate.pass({
      attempt: { user, address: `user ${user}`, knownDeviceId: deviceId },
      password: parsePassword(password),
      wrong: new ChatError("permission_denied", "The password is wrong."),
      noted: { detail: "deleting the account" },
      run: () => Promise.resolve(),
    });
  }

  /**
   * Deletes an account for good: logs out all devices and retires the name. The user's messages move to an alias, and
   * with `erase` are erased later.
   * @param options.actor the user or operator who asked, for the audit log
   * @returns the alias
   * @throws {ChatError} `not_found`
   */
  async deleteUser(name: string, { erase, actor }: { erase: boolean; actor: string }): Promise<string> {
    const alias = createDeletedName();
    await this.#changeUser(name, async () => {
      if (!await this.#store.deleteUser(name, { alias, erase })) throw noSuchUser(name);
      this.#log.info("user deleted", { user: name, alias, erase });
      const detail = `${alias}, messages ${erase ? "erased" : "kept"}`;
      this.#audit.record({ action: "account_deleted", actor, subject: actor === name ? "" : name, detail });
      this.#revocations.publish({
        user: name,
        reason: new ChatError("token_revoked", `The account "${name}" was deleted.`),
      });
    });
    return alias;
  }

  /**
   * Creates a code for the operator that registers one user within `lifetimeMs`; the store keeps only its hash.
   * @throws {ChatError} `invalid_argument`
   */
  async createInvite({ lifetimeMs }: { lifetimeMs: number }): Promise<string> {
    const code = await this.#gate.createInvite(lifetimeMs);
    this.#log.info("invitation created", { lifetimeMs });
    this.#audit.record({ action: "invite_created", actor: operator, detail: `valid for ${lifetimeMs / 1000} s` });
    return code;
  }

  #changeUser(name: string, task: () => Promise<void>): Promise<void> {
    return this.#locks.run(name, async () => {
      const record = await this.#store.findUser(name);
      if (record === undefined || record.deleted) throw noSuchUser(name);
      await task();
    });
  }
}

function toUser({ name, disabled, createdAt, displayName = "", status = "" }: UserRecord): User {
  return { name, disabled, createdAt, displayName, status };
}

/** The error for the operator who names a user that does not exist. */
export function noSuchUser(name: string): ChatError {
  return new ChatError("not_found", `There is no user "${name.slice(0, 64)}": list the users to see their names.`);
}
