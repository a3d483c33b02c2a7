import type { DatabaseSync } from "node:sqlite";
import { nameSkeleton } from "../../core/accounts/name_skeleton.ts";
import { canonicalEmoji } from "../../core/messages/emoji.ts";
import { decodeText, encodeText } from "../shared/column_values.ts";

/** Adds the SQL functions that migrations call to a connection that runs them. */
export function addMigrationFunctions(connection: DatabaseSync): void {
  connection.function("name_skeleton", { deterministic: true }, (name) => nameSkeleton(String(name)));
  connection.function("canonical_emoji", { deterministic: true }, (emoji) => {
    return encodeText(canonicalEmoji(decodeText(emoji as Uint8Array)));
  });
}
