/** Users who may write to a user outside rooms; "contacts" are users that they have written to. */
export type DirectMessages = "anyone" | "contacts" | "nobody";

/** Settings of a user, shared by all devices. */
export interface Settings {
  /** Exchange read receipts: others see this user's, and the user sees theirs. */
  readonly readReceipts: boolean;
  /** Others see whether this user is online. */
  readonly presence: boolean;
  readonly directMessages: DirectMessages;
  /** The name that others see beside the account name; "" without one. It addresses no one. */
  readonly displayName: string;
  /** A text that others see beside the name; "" without one. */
  readonly status: string;
}

export const defaultSettings: Settings = {
  readReceipts: true,
  presence: true,
  directMessages: "anyone",
  displayName: "",
  status: "",
};

/** Settings and blocks of a user. */
export interface SettingsRecord {
  readonly settings: Settings;
  /** The users blocked now, by name. */
  readonly blocked: readonly string[];
  /** A current or former block may hide entries. */
  readonly hasBlocked: boolean;
  /** The position of the log that the record is of; blocks may have begun or ended before it. */
  readonly asOf: number;
}

/** Settings and blocks on disk. */
export interface SettingsStore {
  /** Reads settings and blocks; defaults for an unknown user. */
  readSettings(user: string): Promise<SettingsRecord>;

  /**
   * Saves settings. "similar" changes nothing: another user, present or deleted, has a name or display name with the
   * skeleton of the new display name, unless `allowSimilar` is set.
   */
  saveSettings(user: string, settings: Settings, options?: { allowSimilar?: boolean }): Promise<"saved" | "similar">;

  /** Hides entries of `other` after `position` from `user`. */
  block(user: string, other: string, position: number): Promise<void>;

  /** Ends a block; entries up to `position` stay hidden. */
  unblock(user: string, other: string, position: number): Promise<void>;

  /** Returns whether `user` has ever written to `other` outside rooms. */
  hasWrittenTo(user: string, other: string): Promise<boolean>;

  /** Lists the other users of direct conversations of `user`, in any order. */
  directPeers(user: string): Promise<string[]>;

  /** Saves when users were last seen, in milliseconds since the Unix epoch. */
  saveLastSeen(times: ReadonlyMap<string, number>): Promise<void>;

  /** Reads when users were last seen, in milliseconds since the Unix epoch, in the order of `users`; 0 for never. */
  readLastSeen(users: readonly string[]): Promise<number[]>;
}
