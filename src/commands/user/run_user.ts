import { Operator } from "../../app/operator.ts";
import { readNewPassword } from "../../app/password_source.ts";
import { parseNewUserName } from "../../core/accounts/user_name.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { DeletedAccounts } from "../../core/limits.ts";
import { processOutput } from "../../host/process_output.ts";
import { exitCode } from "../exit_code.ts";
import type { DataFolderOptions } from "../options/data_folder.ts";
import { requireSure } from "../require_sure.ts";

export interface UserOptions extends DataFolderOptions {
  readonly name: string;
}

/** The source of the new password: the file, else `CHATD_PASSWORD`, else a prompt. */
export interface UserPasswordOptions extends UserOptions {
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
}

export interface UserDeleteOptions extends UserOptions {
  /** The running server's setting unless given. */
  readonly mode?: DeletedAccounts;
  /** The operator has confirmed the deletion. */
  readonly yes: boolean;
}

export interface UserInviteOptions extends DataFolderOptions {
  readonly lifetimeMs: number;
}

export async function addUser({ name, dataDir, ...source }: UserPasswordOptions): Promise<number> {
  const operator = new Operator(dataDir);
  parseNewUserName(name);
  await operator.addUser(name, await readNewPassword(name, source));
  processOutput.stdout(`Added ${name}.`);
  return exitCode.done;
}

export async function listUsers({ dataDir }: DataFolderOptions): Promise<number> {
  for await (const { name, createdAt, disabled } of new Operator(dataDir).listUsers()) {
    processOutput.stdout(`${name}\t${new Date(createdAt).toISOString()}\t${disabled ? "disabled" : "enabled"}`);
  }
  return exitCode.done;
}

export async function setPassword({ name, dataDir, ...source }: UserPasswordOptions): Promise<number> {
  const operator = new Operator(dataDir);
  // Checked before the operator types a password twice.
  if (await operator.findUser(name) === undefined) {
    throw new ChatError("not_found", `There is no user "${name}": list the users with "chatd user list".`);
  }
  await operator.setPassword(name, await readNewPassword(name, source));
  processOutput.stdout(`Set the password of ${name}, and logged them out on all devices.`);
  return exitCode.done;
}

export async function disableUser({ name, dataDir }: UserOptions): Promise<number> {
  await new Operator(dataDir).disable(name);
  processOutput.stdout(`Disabled ${name}, and logged them out on all devices.`);
  return exitCode.done;
}

export async function enableUser({ name, dataDir }: UserOptions): Promise<number> {
  await new Operator(dataDir).enable(name);
  processOutput.stdout(`Enabled ${name}: they can log in again.`);
  return exitCode.done;
}

export async function deleteUser({ name, dataDir, mode, yes }: UserDeleteOptions): Promise<number> {
  requireSure(yes, `This permanently deletes the account of ${name}, and the name can never be used again`);
  await new Operator(dataDir).deleteUser(name, { mode });
  processOutput.stdout(`Deleted ${name}. The name can never be used again.`);
  return exitCode.done;
}

/** Prints the code alone on stdout, for scripts. */
export async function inviteUser({ lifetimeMs, dataDir }: UserInviteOptions): Promise<number> {
  const code = await new Operator(dataDir).createInvite({ lifetimeMs });
  processOutput.stdout(code);
  const until = new Date(Date.now() + lifetimeMs).toISOString().slice(0, 16).replace("T", " ");
  processOutput.stderr(`The code registers one user until ${until} UTC, if the server uses --registration invite.`);
  return exitCode.done;
}
