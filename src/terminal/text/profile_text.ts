import { sanitizeLine } from "../../core/sanitize.ts";

/** A user with the texts that they chose, which may claim anything. */
export interface NamedUser {
  readonly name: string;
  readonly displayName: string;
  readonly status: string;
}

/** "ana · Ana Lopez", or "ana": the account name comes first, so that no text can stand for it. Safe for a terminal. */
export function userTitle({ name, displayName }: Pick<NamedUser, "name" | "displayName">): string {
  return sanitizeLine(displayName === "" ? name : `${name} · ${displayName}`);
}

/** "ana · Ana Lopez — in a meeting", with the parts that there are. Safe for a terminal. */
export function userText(user: NamedUser): string {
  return sanitizeLine(user.status === "" ? userTitle(user) : `${userTitle(user)} — ${user.status}`);
}

/** Lines about the users with a display name or a status, one each: within a line, a text could look like a user. */
export function profileLines(users: readonly NamedUser[]): string[] {
  return users.filter(({ displayName, status }) => displayName !== "" || status !== "").map((user) =>
    `  ${userText(user)}`
  );
}
