/** Users who may write to a user outside rooms; "contacts" are users that they have written to. */
export type DirectMessages = "anyone" | "contacts" | "nobody";

/** Settings of a user, shared by all devices. */
export interface Settings {
  /** Exchange read receipts: others see this user's, and the user sees theirs. */
  readonly readReceipts: boolean;
  /** Others see whether this user is online. */
  readonly presence: boolean;
  readonly directMessages: DirectMessages;
}

export const defaultSettings: Settings = { readReceipts: true, presence: true, directMessages: "anyone" };

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

  saveSettings(user: string, settings: Settings): Promise<void>;

  /** Hides entries of `other` after `position` from `user`. */
  block(user: string, other: string, position: number): Promise<void>;

  /** Ends a block; entries up to `position` stay hidden. */
  unblock(user: string, other: string, position: number): Promise<void>;

  /** Returns whether `user` has ever written to `other` outside rooms. */
  hasWrittenTo(user: string, other: string): Promise<boolean>;

  /** Saves when users were last seen, in milliseconds since the Unix epoch. */
  saveLastSeen(times: ReadonlyMap<string, number>): Promise<void>;

  /** Reads when users were last seen, in milliseconds since the Unix epoch, in the order of `users`; 0 for never. */
  readLastSeen(users: readonly string[]): Promise<number[]>;
}
