import type { AuditLog } from "../audit/audit.ts";
import { ChatError } from "../chat_error.ts";
import type { GuardedClock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { AccountStore, DeviceRecord } from "./account_store.ts";
import { type Credentials, type Identity, type Revocation, unnamedDevice } from "./identity.ts";
import { createDeviceId, createToken, hashSecret } from "./secret.ts";

/** Minimum interval between two writes of a token's last use, in milliseconds. */
const touchIntervalMs = 60 * 60 * 1000;
/**
 * Devices of one user. A login beyond it removes the least recently used logged-out device; if there is none, it logs
 * one out first.
 */
export const maxDevices = 100;

export interface DevicesOptions {
  readonly store: AccountStore;
  readonly clock: GuardedClock;
  readonly log: Log;
  readonly audit: AuditLog;
  /** Lifetime of a token after its last use, in milliseconds. */
  readonly tokenLifetimeMs: number;
  /** Ends the live sessions that a revocation covers. */
  revoke(revocation: Revocation): void;
}

/**
 * The devices that users are logged in on, and their tokens. Callers that change a user's devices hold the user's lock.
 */
export class Devices {
  readonly #store: AccountStore;
  readonly #clock: GuardedClock;
  readonly #log: Log;
  readonly #audit: AuditLog;
  readonly #tokenLifetimeMs: number;
  readonly #revoke: (revocation: Revocation) => void;

  constructor({ store, clock, log, audit, tokenLifetimeMs, revoke }: DevicesOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
    this.#audit = audit;
    this.#tokenLifetimeMs = tokenLifetimeMs;
    this.#revoke = revoke;
  }

  /** Logs in on a new device, or again on the user's device `id`. */
  async logIn(user: string, { id = "", name }: { id?: string; name: string }): Promise<Credentials> {
    const now = this.#clock.latest();
    const existing = id === "" ? undefined : await this.#store.findDevice(id);
    if (existing === undefined) await this.#makeRoom(user);
    const { token, tokenHash, expiresAt } = await this.createToken();
    const device: DeviceRecord = {
      id: existing?.id ?? createDeviceId(),
      user,
      name: name || existing?.name || unnamedDevice,
      tokenHash,
      createdAt: existing?.createdAt ?? now,
      lastUsedAt: now,
      expiresAt,
    };
    await this.#store.saveDevice(device);
    if (existing?.tokenHash !== undefined) {
      this.#revoke({ user, deviceId: device.id, reason: revoked("This device was logged in again.") });
    }
    return { user, token, deviceId: device.id, expiresAt };
  }

  /** Revokes the device's token and ends its live sessions with `reason`. */
  async logOut(user: string, deviceId: string, reason: string): Promise<void> {
    await this.#store.logOutDevice(deviceId);
    this.#revoke({ user, deviceId, reason: revoked(reason) });
  }

  async createToken(): Promise<{ token: string; tokenHash: string; expiresAt: number }> {
    const token = createToken();
    return { token, tokenHash: await hashSecret(token), expiresAt: this.#clock.latest() + this.#tokenLifetimeMs };
  }

  /** Returns the identity of a token and counts as its use. @throws {ChatError} `unauthenticated` */
  async identify(tokenHash: string): Promise<Identity> {
    const device = await this.#store.findDeviceByToken(tokenHash);
    if (device === undefined) throw unauthenticated();
    this.#refuseExpired(device);
    const user = await this.#store.findUser(device.user);
    if (user === undefined || user.disabled) throw unauthenticated();
    const isTouchDue = this.#clock.now() - device.lastUsedAt >= touchIntervalMs;
    const tokenExpiresAt = isTouchDue ? await this.#touch(device) : device.expiresAt;
    return { user: device.user, deviceId: device.id, deviceName: device.name, tokenExpiresAt };
  }

  /**
   * Extends the token of a connected device.
   * @throws {ChatError} `unauthenticated` when it was logged out or its token expired
   */
  async renew(deviceId: string): Promise<void> {
    const device = await this.#store.findDevice(deviceId);
    if (device?.tokenHash === undefined) throw unauthenticated();
    this.#refuseExpired(device);
    await this.#touch(device);
  }

  /** Lists devices that hold a valid token, most recently used first. */
  async list(user: string): Promise<DeviceRecord[]> {
    const now = this.#clock.earliest();
    return (await this.#store.listDevices(user)).filter((device) => device.expiresAt > now);
  }

  async #makeRoom(user: string): Promise<void> {
    const devices = await this.#store.listDevices(user);
    for (const { id, name } of devices.slice(maxDevices - 1)) {
      this.#audit.record({ action: "device_revoked", actor: user, detail: `${name}: over the device limit` });
      await this.logOut(
        user,
        id,
        `You are logged in on ${maxDevices} other devices, and this one was used least recently.`,
      );
    }
    await this.#store.trimDevices(user, { keep: maxDevices - 1 });
  }

  #refuseExpired({ expiresAt }: DeviceRecord): void {
    const now = this.#clock.earliest();
    if (expiresAt <= now) throw expired(expiresAt, now);
  }

  /**
   * Records the use of a token. Skips it while the clock is in doubt or behind the last use; `ClockGuard` restamps once
   * the clock is trusted.
   * @returns the expiry of the token
   */
  async #touch(device: DeviceRecord): Promise<number> {
    if (this.#clock.expected !== undefined) return device.expiresAt;
    const now = this.#clock.now();
    if (now < device.lastUsedAt) return device.expiresAt;
    const expiresAt = now + this.#tokenLifetimeMs;
    try {
      await this.#store.touchDevice(device.id, { lastUsedAt: now, expiresAt });
      return expiresAt;
    } catch (cause) {
      this.#log.warn("cannot record the use of a token", { user: device.user, cause });
      return device.expiresAt;
    }
  }
}

export function revoked(reason: string): ChatError {
  return new ChatError("token_revoked", `${reason} Log in again to continue.`);
}

export function unauthenticated(): ChatError {
  return new ChatError("unauthenticated", "The token is unknown, expired or revoked: log in again.");
}

function expired(expiresAt: number, now: number): ChatError {
  const [end, clock] = [expiresAt, now].map((time) => new Date(time).toISOString());
  return new ChatError(
    "unauthenticated",
    `The login of this device expired at ${end} (server time: ${clock}). Log in again.`,
  );
}
