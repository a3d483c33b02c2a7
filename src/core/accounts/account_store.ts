export interface UserRecord {
  readonly name: string;
  /** Output of the password hasher, including its parameters. */
  readonly passwordHash: string;
  /** Also true for a deleted account. */
  readonly disabled: boolean;
  /** True once the account was deleted for good; `name` is then an alias. */
  readonly deleted?: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Absent without one, like the status text. */
  readonly displayName?: string;
  readonly status?: string;
}

/** A device of a user. It outlives its tokens, and so do its cursors, until the user has too many devices. */
export interface DeviceRecord {
  /** Random, in hexadecimal. */
  readonly id: string;
  readonly user: string;
  readonly name: string;
  /** SHA-256 of the token in hexadecimal; undefined while logged out. */
  readonly tokenHash: string | undefined;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
}

export interface InviteRecord {
  /** SHA-256 of the code in hexadecimal. */
  readonly codeHash: string;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export interface AddUserOptions {
  readonly invite?: { readonly codeHash: string; readonly now: number } | undefined;
  readonly maxUsers?: number | undefined;
  readonly allowSimilar?: boolean;
}

export type AddUserResult = "added" | "exists" | "similar" | "invite_invalid" | "full";

/**
 * Accounts on disk. Every call is one transaction.
 *
 * @example
 * ```ts
 * // Adds a user, whose name may be taken.
 * async function add(store: AccountStore, name: string, passwordHash: string): Promise<boolean> {
 *   const result = await store.addUser({ name, passwordHash, disabled: false, createdAt: Date.now() });
 *   return result === "added";
 * }
 * ```
 */
export interface AccountStore {
  /**
   * Adds a user and uses up the invitation `invite.codeHash`, if given. Any result but "added" changes nothing.
   * "invite_invalid": the invitation is unknown, used or expired at `invite.now`, whether or not the name is taken.
   * "full": the store has `maxUsers` accounts; unlimited unless given. "similar": another user, present or deleted, has
   * a name or display name with the same skeleton, unless `allowSimilar` is set.
   */
  addUser(
    user: UserRecord,
    options?: AddUserOptions,
  ): Promise<AddUserResult>;

  /** Also finds deleted accounts, by their alias. */
  findUser(name: string): Promise<UserRecord | undefined>;

  /** Lists accounts by name, without deleted ones; only names after `after` ("" for all), at most `limit`. */
  listUsers(page: { after: string; limit: number }): Promise<UserRecord[]>;

  /** Replaces the hash of an unchanged password; tokens stay valid. */
  rehashPassword(name: string, passwordHash: string): Promise<void>;

  /** Sets a new password and logs out all devices except `keep`, which gets a new token. */
  changePassword(
    name: string,
    passwordHash: string,
    keep?: { deviceId: string; tokenHash: string; expiresAt: number },
  ): Promise<void>;

  /** Disabling logs out all devices. */
  setDisabled(name: string, disabled: boolean): Promise<void>;

  /**
   * Deletes a user: removes their devices and moves their messages and memberships to `alias`, an unused name. The name
   * is never free again, nor is its skeleton; the display name and the status text are erased. With `erase`, their messages are marked for erasure, see `ErasureStore`.
   * @returns false without any change when there is no such user or it was deleted before
   */
  deleteUser(name: string, options: { alias: string; erase: boolean }): Promise<boolean>;

  /** Adds a device, or replaces the one with this id. */
  saveDevice(device: DeviceRecord): Promise<void>;

  findDevice(id: string): Promise<DeviceRecord | undefined>;

  findDeviceByToken(tokenHash: string): Promise<DeviceRecord | undefined>;

  /** Lists devices that hold a token, most recently used first. */
  listDevices(user: string): Promise<DeviceRecord[]>;

  touchDevice(id: string, times: { lastUsedAt: number; expiresAt: number }): Promise<void>;

  /**
   * Removes logged-out devices with their consumers, least recently used first, until the user has `keep` devices.
   * Devices that hold a token stay.
   */
  trimDevices(user: string, options: { keep: number }): Promise<void>;

  /** Removes the device's token. */
  logOutDevice(id: string): Promise<void>;

  addInvite(invite: InviteRecord): Promise<void>;

  /** Returns whether `addUser` would accept this invitation. */
  hasInvite(invite: { codeHash: string; now: number }): Promise<boolean>;
}
