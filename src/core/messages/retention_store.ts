/** The part of a conversation's log that is kept; everything without a limit. */
export interface RetentionRule {
  /** Entries accepted longer ago are removed. Milliseconds. */
  readonly maxAgeMs: number | undefined;
  /** The number of newest entries that stay. */
  readonly maxEntries: number | undefined;
}

/**
 * A rule for a conversation: "ana:ben" or a room's id, or undefined for all conversations without a rule of their own.
 */
export interface ConversationRule extends RetentionRule {
  readonly conversation: string | undefined;
}

/** Retention rules, and the removal of entries by them. Only the oldest entries of a conversation are ever removed. */
export interface RetentionStore {
  /** Returns the rule for all conversations first, the others by the name of the conversation. */
  listRules(): Promise<ConversationRule[]>;

  /** @returns false, without an effect, when there is no such conversation. */
  setRule(rule: ConversationRule): Promise<boolean>;

  /** Leaves the conversation to the rule for all conversations. @returns whether there was a rule to remove. */
  removeRule(conversation: string | undefined): Promise<boolean>;

  /**
   * Examines a bounded number of conversations after the key `after`, which is 0 at the start. @returns the keys of
   * conversations with entries to be removed at `now`, and the next `after`, undefined at the end.
   */
  findDue(after: number, now: number): Promise<{ due: number[]; next: number | undefined }>;

  /**
   * Removes at most `limit` of the oldest entries of a conversation that are due at `now`, with everything that belongs
   * to them. Ids that can still be sent again stay known. An entry with a time after `now`, from a clock that was
   * ahead, is removed with an old one that follows it.
   * @returns the number of entries removed
   */
  removeDue(conversation: number, options: { now: number; limit: number }): Promise<number>;

  /**
   * Forgets at most `limit` ids of removed entries made before `time`, which are refused by age.
   * @returns the number of ids forgotten
   */
  forgetSpentIds(time: number, limit: number): Promise<number>;
}
