import { Operator } from "../../app/operator.ts";
import { readNewPassword } from "../../app/password_source.ts";
import { parseNewUserName } from "../../core/accounts/user_name.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { DeletedAccounts } from "../../core/limits.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { processOutput } from "../../host/process_output.ts";
import { exitCode } from "../exit_code.ts";
import type { StoreOptions } from "../options/data_folder.ts";
import { withoutEmptyEnd } from "../script/output.ts";
import { requireSure } from "../require_sure.ts";

export interface UserOptions extends StoreOptions {
  readonly name: string;
}

/** The source of the new password: the file, else `CHATD_PASSWORD`, else a prompt. */
export interface UserPasswordOptions extends UserOptions {
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
}

export interface UserAddOptions extends UserPasswordOptions {
  /** Adds the user even if the name looks like another. */
  readonly allowSimilar: boolean;
}

export interface UserSetOptions extends UserOptions {
  /** "" removes it; unchanged unless given. */
  readonly displayName?: string;
  /** "" removes it; unchanged unless given. */
  readonly status?: string;
  /** Sets the display name even if it looks like another user's name. */
  readonly allowSimilar: boolean;
}

export interface UserDeleteOptions extends UserOptions {
  /** The running server's setting unless given. */
  readonly mode?: DeletedAccounts;
  /** The operator has confirmed the deletion. */
  readonly yes: boolean;
}

export interface UserInviteOptions extends StoreOptions {
  readonly lifetimeMs: number;
}

export async function addUser({ name, place, allowSimilar, ...source }: UserAddOptions): Promise<number> {
  const operator = new Operator(place);
  parseNewUserName(name);
  await operator.addUser(name, { password: await readNewPassword(name, source), allowSimilar });
  processOutput.stdout(`Added ${name}.`);
  return exitCode.done;
}

export async function listUsers({ place }: StoreOptions): Promise<number> {
  for await (const { name, createdAt, disabled, displayName, status } of new Operator(place).listUsers()) {
    const columns = [name, new Date(createdAt).toISOString(), disabled ? "disabled" : "enabled"];
    processOutput.stdout([...columns, ...withoutEmptyEnd([displayName, status])].map(sanitizeLine).join("\t"));
  }
  return exitCode.done;
}

/** Sets or removes the display name and the status text, in this order. */
export async function setUser({ name, place, displayName, status, allowSimilar }: UserSetOptions): Promise<number> {
  const operator = new Operator(place);
  if (displayName !== undefined) {
    await operator.setDisplayName(name, { displayName, allowSimilar });
    processOutput.stdout(`${displayName === "" ? "Removed" : "Set"} the display name of ${name}.`);
  }
  if (status !== undefined) {
    await operator.setStatus(name, status);
    processOutput.stdout(`${status === "" ? "Removed" : "Set"} the status of ${name}.`);
  }
  return exitCode.done;
}

export async function setPassword({ name, place, ...source }: UserPasswordOptions): Promise<number> {
  const operator = new Operator(place);
  // Checked before the operator types a password twice.
  if (await operator.findUser(name) === undefined) {
    throw new ChatError("not_found", `There is no user "${name}": list the users with "chatd user list".`);
  }
  await operator.setPassword(name, await readNewPassword(name, source));
  processOutput.stdout(`Set the password of ${name}, and logged them out on all devices.`);
  return exitCode.done;
}

export async function disableUser({ name, place }: UserOptions): Promise<number> {
  await new Operator(place).disable(name);
  processOutput.stdout(`Disabled ${name}, and logged them out on all devices.`);
  return exitCode.done;
}

export async function enableUser({ name, place }: UserOptions): Promise<number> {
  await new Operator(place).enable(name);
  processOutput.stdout(`Enabled ${name}: they can log in again.`);
  return exitCode.done;
}

export async function deleteUser({ name, place, mode, yes }: UserDeleteOptions): Promise<number> {
  requireSure(yes, `This permanently deletes the account of ${name}, and the name can never be used again`);
  await new Operator(place).deleteUser(name, { mode });
  processOutput.stdout(`Deleted ${name}. The name can never be used again.`);
  return exitCode.done;
}

/** Prints the code alone on stdout, for scripts. */
export async function inviteUser({ lifetimeMs, place }: UserInviteOptions): Promise<number> {
  const code = await new Operator(place).createInvite({ lifetimeMs });
  processOutput.stdout(code);
  const until = new Date(Date.now() + lifetimeMs).toISOString().slice(0, 16).replace("T", " ");
  processOutput.stderr(`The code registers one user until ${until} UTC, if the server uses --registration invite.`);
  return exitCode.done;
}
