import type { ConversationRule } from "../../core/messages/retention_store.ts";

/** A rule as it is read from the database. */
export interface RuleRow {
  /** Null in the rule for conversations without their own rule. */
  readonly conversation: string | null;
  readonly maxAge: number | null;
  readonly maxEntries: number | null;
}

export function toRule({ conversation, maxAge, maxEntries }: RuleRow): ConversationRule {
  return {
    conversation: conversation ?? undefined,
    maxAgeMs: maxAge ?? undefined,
    maxEntries: maxEntries ?? undefined,
  };
}
