import { nameSkeleton } from "../../core/accounts/name_skeleton.ts";
import type { Database } from "./database.ts";

function prepareStatements(database: Database) {
  return {
    isTaken: database.prepare("SELECT 1 FROM name_skeleton WHERE skeleton = ? AND user <> ?"),
    nameOf: database.prepare("SELECT skeleton FROM name_skeleton WHERE user = ? AND display = 0"),
    add: database.prepare("INSERT INTO name_skeleton (user, display, skeleton, shared) VALUES (?, ?, ?, ?)"),
    removeDisplayName: database.prepare("DELETE FROM name_skeleton WHERE user = ? AND display = 1"),
  };
}

/** No user has this key. */
const noUser = 0;

/** The skeletons of account names and display names. The caller begins and ends the transactions. */
export class NameSkeletons {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Database) {
    this.#statements = prepareStatements(database);
  }

  /** Returns whether any user has a name or display name that looks like `name`. */
  isTaken(name: string): boolean {
    return this.#isTaken(nameSkeleton(name), noUser);
  }

  addName(user: number, name: string): void {
    const skeleton = nameSkeleton(name);
    this.#statements.add.run(user, 0, skeleton, Number(this.#isTaken(skeleton, user)));
  }

  /** Replaces the display name; "" removes it. @returns false without a change when another user has one like it */
  claimDisplayName(user: number, displayName: string, { allowSimilar = false } = {}): boolean {
    const { nameOf, add, removeDisplayName } = this.#statements;
    const skeleton = nameSkeleton(displayName);
    const isTaken = displayName !== "" && this.#isTaken(skeleton, user);
    if (isTaken && !allowSimilar) return false;
    removeDisplayName.run(user);
    // The user's own name has the skeleton already.
    const isOwn = nameOf.get(user)?.skeleton === skeleton;
    if (displayName !== "" && !isOwn) add.run(user, 1, skeleton, Number(isTaken));
    return true;
  }

  #isTaken(skeleton: string, user: number): boolean {
    return this.#statements.isTaken.get(skeleton, user) !== undefined;
  }
}
