/** What of a conversation's log is kept; with neither limit, everything. */
export interface RetentionRule {
  /** In milliseconds: entries that were accepted longer ago go. */
  readonly maxAgeMs: number | undefined;
  /** The newest so many entries stay. */
  readonly maxEntries: number | undefined;
}

/** A rule, and what it is for: "ana:ben" or a room's id; undefined is every conversation without a rule of its own. */
export interface ConversationRule extends RetentionRule {
  readonly conversation: string | undefined;
}

/** How long logs are kept, and their shortening. Only the oldest entries of a conversation ever go. */
export interface RetentionStore {
  /** The one for every conversation first, the others by the conversation's name. */
  listRules(): Promise<ConversationRule[]>;

  /** @returns false, having done nothing, when there is no such conversation. */
  setRule(rule: ConversationRule): Promise<boolean>;

  /** From now on the rule for every conversation counts, or none. @returns whether there was one. */
  removeRule(conversation: string | undefined): Promise<boolean>;

  /**
   * Looks at a bounded number of conversations after `after`, 0 for the first. @returns those that have entries to be removed at `now`,
   * and where to go on; undefined when these were the last.
   */
  findDue(after: number, now: number): Promise<{ due: number[]; next: number | undefined }>;

  /**
   * Removes the oldest entries of a conversation that are due at `now`, at most `limit`, with everything that belongs to them. Ids that can
   * still be sent again stay known. An entry with a time after `now`, from a clock that was ahead, goes with an old one that follows it.
   * @returns how many
   */
  removeDue(conversation: number, options: { now: number; limit: number }): Promise<number>;

  /** Forgets at most `limit` ids of removed entries, made before `time`: they are refused by their age. @returns how many */
  forgetSpentIds(time: number, limit: number): Promise<number>;
}
