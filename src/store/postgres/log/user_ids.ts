import { ChatError } from "../../../core/chat_error.ts";
import type { Database } from "../connection/database.ts";
import { KeysByName } from "./keys_by_name.ts";

/** The keys of users, cached by name. */
export class UserIds extends KeysByName {
  constructor(database: Database) {
    super(database, '"user"');
  }

  /** @throws {ChatError} `not_found` if the user does not exist, for example because they were just deleted */
  async get(name: string): Promise<number> {
    const id = await this.find(name);
    if (id === undefined) throw new ChatError("not_found", `There is no user "${name}".`);
    return id;
  }
}
