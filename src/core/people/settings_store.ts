/** Who may write to a user outside rooms: "contacts" are people whom they have written to. */
export type DirectMessages = "anyone" | "contacts" | "nobody";

/** Of a user, the same on all their devices. */
export interface Settings {
  /** Others see what this user has read, and the other way round. */
  readonly readReceipts: boolean;
  /** Others see whether this user is there. */
  readonly presence: boolean;
  readonly directMessages: DirectMessages;
}

export const defaultSettings: Settings = { readReceipts: true, presence: true, directMessages: "anyone" };

/** What users want, on disk. */
export interface SettingsStore {
  /** The defaults, and nobody blocked, for a user who is not there. `hasBlocked`: there is something that a block hides, or did. */
  readSettings(user: string): Promise<{ settings: Settings; blocked: string[]; hasBlocked: boolean }>;

  saveSettings(user: string, settings: Settings): Promise<void>;

  /** Hides what `other` sends after `position` from `user`. */
  block(user: string, other: string, position: number): Promise<void>;

  /** Ends that; what came up to `position` stays hidden. */
  unblock(user: string, other: string, position: number): Promise<void>;

  /** Whether `user` has ever sent something to `other` alone. */
  hasWrittenTo(user: string, other: string): Promise<boolean>;

  /** When users were last seen, in milliseconds since the Unix epoch. */
  saveLastSeen(times: ReadonlyMap<string, number>): Promise<void>;

  /** Milliseconds since the Unix epoch; 0 when never. In the order of `users`. */
  readLastSeen(users: readonly string[]): Promise<number[]>;
}
