const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** Quotas of users and of the server. Requests beyond them are refused with `limit_reached`; existing content stays. */
export interface Limits {
  /** Bytes of one file. */
  readonly maxFileBytes: number;
  /** Accounts at which registration closes; disabled ones count, deleted ones do not. The operator can add more. */
  readonly maxUsers: number;
  /** Rooms that one user created and is still in, plus empty ones created in the last 30 days. */
  readonly maxRoomsPerUser: number;
  /** Rooms that one user is in at once. */
  readonly maxMemberships: number;
  /** Members that one room has at once. */
  readonly maxRoomMembers: number;
  /** Bytes of the database and the files on disk; undefined for no limit. */
  readonly maxDiskBytes: number | undefined;
  /** Bytes of one user's files, including uploads in progress. */
  readonly uploadQuotaBytes: number;
}

/** The defaults. */
export const standardLimits: Limits = {
  maxFileBytes: 10 * mebibyte,
  maxUsers: 10_000,
  maxRoomsPerUser: 100,
  maxMemberships: 200,
  maxRoomMembers: 2_000,
  maxDiskBytes: undefined,
  uploadQuotaBytes: gibibyte,
};

/** Requests of each user, by cost: refill per second, and burst. */
export const standardRate = { perSecond: 200, burst: 1_000 };

/**
 * How to treat messages of deleted accounts: keep them under an alias ("anonymize"), or delete each as its author could
 * ("erase").
 */
export type DeletedAccounts = "anonymize" | "erase";
