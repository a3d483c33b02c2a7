import type { Settings } from "../../core/people/settings_store.ts";
import { toDirectMessages } from "./codes.ts";

/** Settings of a user as they are read from the database. */
export interface SettingsRow {
  readonly read_receipts: number;
  readonly presence: number;
  readonly direct_messages: number;
  readonly display_name: string;
  readonly status: string;
}

export function toSettings(row: SettingsRow): Settings {
  return {
    readReceipts: row.read_receipts !== 0,
    presence: row.presence !== 0,
    directMessages: toDirectMessages(row.direct_messages),
    displayName: row.display_name,
    status: row.status,
  };
}
