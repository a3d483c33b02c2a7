import type { Queries } from "../connection/connection.ts";

export interface BacklogOptions {
  /** As in SQLite's backlog. */
  readonly scanWindow?: number;
  readonly maxMerged?: number;
}

export interface BacklogPage {
  readonly positions: readonly number[];
  readonly through: number;
}

/** Finds the entries after a position that a user may see. */
export class Backlog {
  constructor(_options: BacklogOptions = {}) {}

  /** `user` is a key. The heads of direct conversations are written. */
  pageAfter(
    _queries: Queries,
    _user: number,
    _page: { after: number; head: number; limit: number },
  ): Promise<BacklogPage> {
    throw new Error("not written");
  }
}
