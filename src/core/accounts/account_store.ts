export interface UserRecord {
  readonly name: string;
  /** As the password hasher made it, with its parameters. */
  readonly passwordHash: string;
  /** Also when it is deleted. */
  readonly disabled: boolean;
  /** For ever; the name is an alias. Absent otherwise. */
  readonly deleted?: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

/** A device is what holds a token; it outlives its tokens, so that its cursors do, until the user has too many. */
export interface DeviceRecord {
  /** Random, in hexadecimal. */
  readonly id: string;
  readonly user: string;
  readonly name: string;
  /** SHA-256 of the token in hexadecimal; undefined when it is logged out. */
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
   * Adds a user, using up the invitation `invite.codeHash` where one is given. Unless it says "added", nothing was changed.
   * "invite_invalid": unknown, used or, at `invite.now`, expired, whether or not the name is taken. "full": there are
   * `maxUsers` already; there is no limit unless given.
   */
  addUser(
    user: UserRecord,
    options?: { invite?: { codeHash: string; now: number } | undefined; maxUsers?: number | undefined },
  ): Promise<"added" | "exists" | "invite_invalid" | "full">;

  /** Deleted ones, by their alias, too. */
  findUser(name: string): Promise<UserRecord | undefined>;

  /** By name, without those who are deleted; only names after `after` ("" for all), at most `limit`. */
  listUsers(page: { after: string; limit: number }): Promise<UserRecord[]>;

  /** Sets a new hash of the same password; no token dies. */
  rehashPassword(name: string, passwordHash: string): Promise<void>;

  /** Sets another password, and logs out all devices except `keep`, which gets another token. */
  changePassword(
    name: string,
    passwordHash: string,
    keep?: { deviceId: string; tokenHash: string; expiresAt: number },
  ): Promise<void>;

  /** Disabling logs out all devices. */
  setDisabled(name: string, disabled: boolean): Promise<void>;

  /**
   * Deletes a user: their devices go, and what they sent and are is from now on `alias`, a name that is free; that row is
   * deleted. Nobody gets the name again. With `erase`, their messages are to be blanked, see `ErasureStore`.
   * @returns false, having done nothing, when there is no such user that is not deleted.
   */
  deleteUser(name: string, options: { alias: string; erase: boolean }): Promise<boolean>;

  /** Adds a device, or replaces the one with this id. */
  saveDevice(device: DeviceRecord): Promise<void>;

  findDevice(id: string): Promise<DeviceRecord | undefined>;

  findDeviceByToken(tokenHash: string): Promise<DeviceRecord | undefined>;

  /** Those that hold a token, the one used last first. */
  listDevices(user: string): Promise<DeviceRecord[]>;

  touchDevice(id: string, times: { lastUsedAt: number; expiresAt: number }): Promise<void>;

  /**
   * While the user has more than `keep` devices, removes the one used longest ago of those that are logged out, with its
   * consumers. Those that hold a token stay.
   */
  trimDevices(user: string, options: { keep: number }): Promise<void>;

  /** Removes the token. */
  logOutDevice(id: string): Promise<void>;

  addInvite(invite: InviteRecord): Promise<void>;

  /** Whether `addUser` would take this invitation. */
  hasInvite(invite: { codeHash: string; now: number }): Promise<boolean>;
}
