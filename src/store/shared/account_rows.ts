import type { DeviceRecord, UserRecord } from "../../core/accounts/account_store.ts";
import { decodeText } from "./column_values.ts";

/** A user as they are read from the database. */
export interface UserRow {
  readonly name: string;
  readonly password_hash: string;
  readonly disabled: number;
  readonly deleted: number;
  readonly created_at: number;
  readonly display_name: string;
  readonly status: string;
}

/** A device as it is read from the database. */
export interface DeviceRow {
  readonly public_id: string;
  /** The name of the user. */
  readonly user: string;
  readonly name: Uint8Array;
  readonly token_hash: string | null;
  readonly created_at: number;
  readonly last_used_at: number;
  readonly expires_at: number;
}

export function toUser(row: UserRow): UserRecord {
  const { name, password_hash: passwordHash, disabled, deleted, created_at: createdAt, display_name, status } = row;
  return {
    name,
    passwordHash,
    disabled: disabled !== 0,
    createdAt,
    ...(deleted !== 0 && { deleted: true }),
    ...(display_name !== "" && { displayName: display_name }),
    ...(status !== "" && { status }),
  };
}

export function toDevice(row: DeviceRow): DeviceRecord {
  return {
    id: row.public_id,
    user: row.user,
    name: decodeText(row.name),
    tokenHash: row.token_hash ?? undefined,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
