const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** How much users may take of a server. What is beyond is refused with `limit_reached`, and nothing that is there goes. */
export interface Limits {
  /** Of one file, in bytes. */
  readonly maxFileBytes: number;
  /** Accounts, beyond which nobody registers; disabled ones count, deleted ones do not. The operator can still add some. */
  readonly maxUsers: number;
  /** Rooms that one user created and is still in; also those of the last 30 days that are empty. */
  readonly maxRoomsPerUser: number;
  /** Rooms that one user is in at once. */
  readonly maxMemberships: number;
  /** Members that one room has at once. */
  readonly maxRoomMembers: number;
  /** What the database and the files may have on disk together, in bytes; undefined sets no limit but the disk. */
  readonly maxDiskBytes: number | undefined;
  /** What the files of one user may have together, in bytes, also those that are uploaded just now. */
  readonly uploadQuotaBytes: number;
}

/** Those of a server that was told nothing else. */
export const standardLimits: Limits = {
  maxFileBytes: 10 * mebibyte,
  maxUsers: 10_000,
  maxRoomsPerUser: 100,
  maxMemberships: 200,
  maxRoomMembers: 2_000,
  maxDiskBytes: undefined,
  uploadQuotaBytes: gibibyte,
};

/** Requests of each user, by their cost: how many come back in a second, and how many may be made at once. */
export const standardRate = { perSecond: 200, burst: 1_000 };

/**
 * What becomes of the messages of those who delete their account: they stay, from nobody ("anonymize"), or go as if their
 * author had deleted each ("erase").
 */
export type DeletedAccounts = "anonymize" | "erase";
