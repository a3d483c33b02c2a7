import { type AuditEvent, type AuditLog, noAudit, operator } from "../audit/audit.ts";
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
import { type LoginAttempt, LoginThrottle } from "./login_throttle.ts";
import { parseNewPassword, parsePassword } from "./password.ts";
import { PasswordCheck } from "./password_check.ts";
import type { PasswordHasher } from "./password_hasher.ts";
import { type Registration, RegistrationGate } from "./registration.ts";
import { hashSecret } from "./secret.ts";
import { createDeletedName, parseNewUserName, parseUserName } from "./user_name.ts";

export type { Credentials, Identity, Revocation } from "./identity.ts";
export type { Registration } from "./registration.ts";

export interface AccountsOptions {
  readonly store: AccountStore;
  readonly hasher: PasswordHasher;
  readonly clock: GuardedClock;
  readonly log: Log;
  readonly registration: Registration;
  /** How long a token lives after it was last used, in milliseconds; 90 days unless given. */
  readonly tokenLifetimeMs?: number;
  /** Bounds the hashing of passwords; two at once and a short queue unless given. */
  readonly hashQueue?: HashQueue;
  /** With so many accounts, nobody can register any more; no limit unless given. */
  readonly maxUsers?: number;
  /** Nobody takes notes unless given. */
  readonly audit?: AuditLog;
  /** Nobody counts unless given. */
  readonly metrics?: Metrics;
  /** Registrations from one address: 30 at once, then one in 10 seconds, unless given. */
  readonly registrationsPerAddress?: { readonly burst: number; readonly perSecond: number };
}

interface RegisterRequest {
  readonly user: string;
  readonly password: string;
  readonly invite: string;
  readonly deviceName: string;
  /** Where it comes from. */
  readonly address: string;
}

interface LogInRequest {
  readonly user: string;
  readonly password: string;
  readonly deviceName: string;
  readonly deviceId: string;
  /** Where it comes from. */
  readonly address: string;
}

/** A user, as operators and the chat see them. */
export interface User {
  readonly name: string;
  readonly disabled: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** Registrations from an address at once, and then in a second. */
export const standardRegistrations = { burst: 30, perSecond: 1 / 10 };
/** How long a token is good after its last use, in milliseconds. */
export const defaultTokenLifetimeMs = 90 * 24 * 60 * 60 * 1000;
/**
 * Who may use the server. It keeps the one promise that everything else builds on: who a token stands for. One
 * instance owns the store's accounts; whatever changes a user is done one at a time.
 */
export class Accounts {
  readonly #store: AccountStore;
  readonly #clock: GuardedClock;
  readonly #log: Log;
  readonly #audit: AuditLog;
  readonly #metrics: Metrics;
  readonly #maxUsers: number | undefined;
  readonly #gate: RegistrationGate;
  readonly #devices: Devices;
  readonly #passwords: PasswordCheck;
  readonly #throttle = new LoginThrottle();
  readonly #locks = new KeyedLock();
  readonly #listeners: ((revocation: Revocation) => void)[] = [];
  #revocations = 0;

  constructor(options: AccountsOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#audit = options.audit ?? noAudit;
    this.#metrics = options.metrics ?? silentMetrics;
    this.#maxUsers = options.maxUsers;
    this.#devices = new Devices({
      ...options,
      log: calmLog(options.log),
      audit: this.#audit,
      tokenLifetimeMs: options.tokenLifetimeMs ?? defaultTokenLifetimeMs,
      revoke: (revocation) => this.#revoke(revocation),
    });
    this.#passwords = new PasswordCheck(options.hasher, options.hashQueue ?? new HashQueue());
    this.#gate = new RegistrationGate({
      store: options.store,
      clock: options.clock,
      mode: options.registration,
      perAddress: options.registrationsPerAddress ?? standardRegistrations,
    });
  }

  /**
   * Makes a user, and logs them in. `invite` is "" where there is none, and is used up only when it was needed.
   * @throws {ChatError} `invalid_argument`, `registration_closed`, `invite_invalid`, `already_exists`, `limit_reached`, `rate_limited`, `busy`
   */
  async register(request: RegisterRequest): Promise<Credentials> {
    return await countLogin(this.#metrics, "register", () => this.#register(request));
  }

  async #register(request: RegisterRequest): Promise<Credentials> {
    const { user, address } = request;
    parseNewUserName(user);
    const password = parseNewPassword(request.password);
    const deviceName = parseDeviceName(request.deviceName);
    const invite = await this.#gate.admit(request);
    // Without a good invitation, nobody learns which names are taken.
    if (invite === undefined) await this.#refuseTaken(user);
    await this.#add(user, await this.#passwords.hash(address, password), { invite, maxUsers: this.#maxUsers });
    this.#log.info("user registered", { user, address });
    this.#audit.record({ action: "registered", actor: user, address });
    return this.#locks.run(user, () => this.#devices.logIn(user, { name: deviceName }));
  }

  /**
   * `deviceId` "" makes a new device, as does one that is not kept any more; one of the same user is logged in again: its
   * earlier token dies, and its live sessions end. A wrong password, a name that nobody has and a device of somebody else are the same to the caller.
   * @throws {ChatError} `unauthenticated`, `invalid_argument`, `rate_limited`, `busy`; `permission_denied` for a disabled
   * account, only when the password was right
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
    return await this.#withPassword(attempt, password, {
      refuse: device !== undefined && !own,
      noted: { address },
      wrong: new ChatError(
        "unauthenticated",
        `Cannot log in as "${user}": the name or the password is wrong, or the device belongs to somebody else.`,
      ),
      task: async (record) => {
        if (record.disabled) {
          this.#audit.record({ action: "log_in_failed", actor: "", subject: user, address, detail: "disabled" });
          throw new ChatError("permission_denied", `The account "${user}" is disabled: ask the server's operator.`);
        }
        const credentials = await this.#devices.logIn(user, { id: own ? deviceId : "", name });
        const detail = own ? "on a device used before" : "on a new device";
        this.#audit.record({ action: "logged_in", actor: user, address, detail });
        return credentials;
      },
    });
  }

  /**
   * Whether this is the password of an account that may log in. Makes no device. For a broker that asks on behalf of
   * somebody whose address it does not tell: failures are counted for each name and for all of them together, apart from
   * those of `logIn`.
   * @throws {ChatError} `rate_limited`, `busy`
   */
  async verifyPassword(login: { user: string; password: string }): Promise<boolean> {
    return await countLogin(this.#metrics, "broker", () => this.#verifyPassword(login));
  }

  async #verifyPassword({ user, password }: { user: string; password: string }): Promise<boolean> {
    const wrong = new ChatError("unauthenticated", "The name or the password is wrong.");
    try {
      parseUserName(user);
      return await this.#withPassword({ user, address: undefined }, parsePassword(password), {
        refuse: false,
        wrong,
        noted: { detail: "at the broker" },
        task: (record) => Promise.resolve(!record.disabled),
      });
    } catch (error) {
      if (error === wrong || (error instanceof ChatError && error.code === "invalid_argument")) return false;
      throw error;
    }
  }

  /** Whether `register` would go on with this `invite`, as far as invitations go; none is used up. */
  async mayRegister(invite: string): Promise<boolean> {
    return await this.#gate.mayRegister(invite);
  }

  /**
   * Who holds this token. Never hashes a password. `enter` is called before this resolves, synchronously with the last
   * look at what was revoked: whoever opens a session in it hears of every revocation that comes later.
   * @throws {ChatError} `unauthenticated`
   */
  async authenticate(token: string, enter?: (identity: Identity) => void): Promise<Identity> {
    const tokenHash = await hashSecret(token);
    for (;;) {
      const revocations = this.#revocations;
      const identity = await this.#devices.identify(tokenHash);
      if (revocations !== this.#revocations) continue;
      enter?.(identity);
      return identity;
    }
  }

  /**
   * The device is connected, which is use: its token expires later. @throws {ChatError} `unauthenticated` when it was logged out
   * or its token has expired.
   */
  async renew({ deviceId }: Identity): Promise<void> {
    await this.#devices.renew(deviceId);
  }

  /** Ends the device's token and its live sessions. */
  async logOut({ user, deviceId, deviceName }: Identity): Promise<void> {
    await this.#locks.run(user, () => this.#devices.logOut(user, deviceId, "This device was logged out."));
    this.#audit.record({ action: "logged_out", actor: user, detail: deviceName });
  }

  /**
   * Logs out all other devices. The asking one gets another token, while its live sessions go on.
   * @throws {ChatError} `permission_denied` when `current` is wrong; `invalid_argument`, `unauthenticated`, `rate_limited`, `busy`
   */
  async changePassword(identity: Identity, passwords: { current: string; next: string }): Promise<Credentials> {
    const { user, deviceId } = identity;
    const current = parsePassword(passwords.current);
    const next = parseNewPassword(passwords.next);
    // Not to be taken for the address of others: a name may look like one.
    const origin = `user ${user}`;
    return await this.#withPassword({ user, address: origin, knownDeviceId: deviceId }, current, {
      refuse: false,
      noted: { detail: "the current password, to change it" },
      wrong: new ChatError("permission_denied", "Cannot change the password: the current password is wrong."),
      task: async (record) => {
        const device = await this.#store.findDevice(deviceId);
        if (record.disabled || device?.tokenHash === undefined) throw unauthenticated();
        const hash = await this.#passwords.hash(origin, next);
        const { token, tokenHash, expiresAt } = await this.#devices.createToken();
        await this.#store.changePassword(user, hash, { deviceId, tokenHash, expiresAt });
        this.#log.info("password changed", { user });
        this.#audit.record({ action: "password_changed", actor: user });
        this.#revoke({ user, exceptDeviceId: deviceId, reason: revoked("The password of this account was changed.") });
        return { user, token, deviceId, expiresAt };
      },
    });
  }

  /** Those on which the user is logged in, the one used last first. */
  async listDevices({ user }: Identity): Promise<DeviceRecord[]> {
    return await this.#devices.list(user);
  }

  /** Logs out one of the user's devices, which may be the asking one. @throws {ChatError} `not_found` */
  async revokeDevice(identity: Identity, deviceId: string): Promise<void> {
    const { user } = identity;
    await this.#locks.run(user, async () => {
      const device = await this.#store.findDevice(deviceId);
      if (device?.user !== user || device.tokenHash === undefined) {
        throw new ChatError("not_found", "You are not logged in on a device with this id: list your devices.");
      }
      this.#log.info("device revoked", { user, deviceId });
      this.#audit.record({ action: "device_revoked", actor: user, detail: device.name });
      await this.#devices.logOut(user, deviceId, "This device was logged out from another one.");
    });
  }

  /** `listener` is called synchronously after the store has it, and before the call that revoked something resolves. */
  onRevoked(listener: (revocation: Revocation) => void): void {
    this.#listeners.push(listener);
  }

  async findUser(name: string): Promise<User | undefined> {
    const record = await this.#store.findUser(name);
    return record && toUser(record);
  }

  /** By name; only names after `after` ("" for all), at most `limit`. */
  async listUsers(page: { after: string; limit: number }): Promise<User[]> {
    return (await this.#store.listUsers(page)).map(toUser);
  }

  /** For the operator: whatever the mode of registration. @throws {ChatError} `invalid_argument`, `already_exists`, `busy` */
  async addUser(user: { name: string; password: string }): Promise<void> {
    parseNewUserName(user.name);
    const password = parseNewPassword(user.password);
    await this.#refuseTaken(user.name);
    await this.#add(user.name, await this.#passwords.hash("operator", password));
    this.#log.info("user added", { user: user.name });
    this.#audit.record({ action: "user_added", actor: operator, subject: user.name });
  }

  /** For the operator. Logs out all devices. @throws {ChatError} `not_found`, `invalid_argument`, `busy` */
  async setPassword(name: string, password: string): Promise<void> {
    const next = parseNewPassword(password);
    await this.#change(name, async () => {
      await this.#store.changePassword(name, await this.#passwords.hash("operator", next));
      this.#log.info("password set", { user: name });
      this.#audit.record({ action: "password_changed", actor: operator, subject: name });
      this.#revoke({ user: name, reason: revoked("The operator set another password for this account.") });
    });
  }

  /** For the operator. Logs out all devices, and lets nobody log in. @throws {ChatError} `not_found` */
  async disable(name: string): Promise<void> {
    await this.#change(name, async () => {
      await this.#store.setDisabled(name, true);
      this.#log.info("user disabled", { user: name });
      this.#audit.record({ action: "user_disabled", actor: operator, subject: name });
      const message = `The account "${name}" was disabled: ask the server's operator.`;
      this.#revoke({ user: name, reason: new ChatError("token_revoked", message) });
    });
  }

  /** For the operator. @throws {ChatError} `not_found` */
  async enable(name: string): Promise<void> {
    await this.#change(name, async () => {
      await this.#store.setDisabled(name, false);
      this.#log.info("user enabled", { user: name });
      this.#audit.record({ action: "user_enabled", actor: operator, subject: name });
    });
  }

  /** @throws {ChatError} `permission_denied` unless `password` is that of who asks; `invalid_argument`, `rate_limited`, `busy` */
  async confirmPassword({ user, deviceId }: Identity, password: string): Promise<void> {
    // Not to be taken for the address of others: a name may look like one.
    const attempt = { user, address: `user ${user}`, knownDeviceId: deviceId };
    await this.#withPassword(attempt, parsePassword(password), {
      refuse: false,
      wrong: new ChatError("permission_denied", "The password is wrong."),
      noted: { detail: "to delete the account" },
      task: () => Promise.resolve(),
    });
  }

  /**
   * Deletes a user for ever: logs out all devices, and keeps the name from being used again. What they sent is from a made-up name; with
   * `erase` it is blanked too, in time. @param options.actor who wants it, for the audit log. @returns that name. @throws {ChatError} `not_found`
   */
  async deleteUser(name: string, { erase, actor }: { erase: boolean; actor: string }): Promise<string> {
    const alias = createDeletedName();
    await this.#change(name, async () => {
      if (!await this.#store.deleteUser(name, { alias, erase })) throw noSuchUser(name);
      this.#log.info("user deleted", { user: name, alias, erase });
      const detail = `${alias}, messages ${erase ? "erased" : "kept"}`;
      this.#audit.record({ action: "account_deleted", actor, subject: actor === name ? "" : name, detail });
      this.#revoke({ user: name, reason: new ChatError("token_revoked", `The account "${name}" was deleted.`) });
    });
    return alias;
  }

  /** For the operator: the only copy of a code that registers one user within `lifetimeMs`. @throws {ChatError} `invalid_argument` */
  async createInvite({ lifetimeMs }: { lifetimeMs: number }): Promise<string> {
    const code = await this.#gate.createInvite(lifetimeMs);
    this.#log.info("invitation made", { lifetimeMs });
    this.#audit.record({ action: "invite_created", actor: operator, detail: `good for ${lifetimeMs / 1000} s` });
    return code;
  }

  async #refuseTaken(name: string): Promise<void> {
    if (await this.#store.findUser(name) !== undefined) throw taken(name);
  }

  async #add(name: string, passwordHash: string, options: Parameters<AccountStore["addUser"]>[1] = {}): Promise<void> {
    const record = { name, passwordHash, disabled: false, createdAt: this.#clock.now() };
    const result = await this.#store.addUser(record, options);
    if (result === "exists") throw taken(name);
    if (result === "added") return;
    if (result === "full") {
      throw new ChatError("limit_reached", "This server has as many accounts as it may: ask its operator for one.");
    }
    throw new ChatError("invite_invalid", "This invitation is unknown, used or expired: ask the operator for another.");
  }

  /**
   * Runs `task` while nothing else changes the user, with a record whose password is `password`: when another change
   * came while it was being verified, it is verified once more.
   */
  async #withPassword<T>(
    attempt: LoginAttempt,
    password: string,
    { refuse, wrong, noted, task }: {
      refuse: boolean;
      wrong: ChatError;
      /** For the audit log, when it is not. */
      noted: Pick<AuditEvent, "address" | "detail">;
      task: (record: UserRecord) => Promise<T>;
    },
  ): Promise<T> {
    const { user, address } = attempt;
    for (;;) {
      this.#throttle.check(attempt, this.#clock.now());
      const record = await this.#findAccount(user);
      const { matches, renewed } = await this.#passwords.verify(address ?? "broker", password, record?.passwordHash);
      if (!matches || refuse) {
        this.#throttle.failed(attempt, this.#clock.now());
        // A name that nobody has may be a password in the wrong place.
        this.#log.warn("login failed", record === undefined ? { address } : { user, address });
        const whom = record === undefined ? { detail: "nobody has this name" } : { ...noted, subject: user };
        this.#audit.record({ action: "log_in_failed", actor: "", address: noted.address ?? "", ...whom });
        throw wrong;
      }
      const done = await this.#locks.run(user, async () => {
        const current = await this.#findAccount(user);
        if (current === undefined || current.passwordHash !== record?.passwordHash) return undefined;
        this.#throttle.succeeded(attempt);
        if (renewed !== undefined) await this.#store.rehashPassword(user, renewed);
        return { value: await task(current) };
      });
      if (done) return done.value;
    }
  }

  /** A deleted account has its alias for a name and no password: nobody may log in to it. */
  async #findAccount(name: string): Promise<UserRecord | undefined> {
    const record = await this.#store.findUser(name);
    return record?.deleted ? undefined : record;
  }

  #change(name: string, task: () => Promise<void>): Promise<void> {
    return this.#locks.run(name, async () => {
      const record = await this.#store.findUser(name);
      if (record === undefined || record.deleted) throw noSuchUser(name);
      await task();
    });
  }

  #revoke(revocation: Revocation): void {
    this.#revocations++;
    for (const listener of this.#listeners) {
      try {
        listener(revocation);
      } catch (cause) {
        this.#log.error("a revocation was not heard", { user: revocation.user, cause });
      }
    }
  }
}

function toUser({ name, disabled, createdAt }: UserRecord): User {
  return { name, disabled, createdAt };
}

function noSuchUser(name: string): ChatError {
  return new ChatError("not_found", `There is no user "${name.slice(0, 64)}": list the users to see their names.`);
}

function taken(name: string): ChatError {
  return new ChatError("already_exists", `The name "${name}" is taken: choose another, or log in if it is yours.`);
}
