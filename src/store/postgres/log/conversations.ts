import type { Database } from "../connection/database.ts";
import { KeysByName } from "./keys_by_name.ts";

/** The keys of conversations, cached by name. Those of deleted rooms remain. */
export class Conversations extends KeysByName {
  constructor(database: Database) {
    super(database, "conversation");
  }
}
