import type { UserSet } from "../../../core/messages/message_store.ts";
import type { Database } from "../connection/database.ts";

/** Finds peers: users with a direct conversation, and members of the same small room. */
export class Peers {
  constructor(_database: Database) {}

  /** Returns those of `others` who are peers of `user`, whose key is `key`. */
  among(_user: { name: string; key: number }, _others: UserSet): Promise<string[]> {
    throw new Error("not written");
  }
}
