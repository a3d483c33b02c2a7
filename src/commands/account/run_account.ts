import { saveCredentials } from "../../app/client/saved_login.ts";
import { readPasswordFile } from "../../app/password_source.ts";
import { UnknownOutcome } from "../../client/unknown_outcome.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import type { Device } from "../../gen/chatd/v1/auth.ts";
import { promptNewPassword, promptPassword } from "../../terminal/input/password_prompt.ts";
import { promptTerminal } from "../../terminal/input/process_input.ts";
import { splitLines } from "../../terminal/pipe.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection } from "../script/connection.ts";
import { jsonLine, Output, printNotice } from "../script/output.ts";
import { withClient } from "../script/request_client.ts";

interface RequestOptions {
  readonly connection: ConnectionChoice;
  /** How long the command may take, with retries, in milliseconds; one attempt unless given. */
  readonly timeoutMs?: number;
}

/** Options of `chatd devices`. */
export interface DevicesOptions extends RequestOptions {
  readonly json: boolean;
}

/** Options of `chatd devices revoke`. */
export interface DeviceRevokeOptions extends RequestOptions {
  /** The id of the device, or its beginning. */
  readonly id: string;
}

/** Options of `chatd passwd`. */
export interface PasswdOptions extends RequestOptions {
  readonly newPasswordFile?: string;
  /** From `CHATD_NEW_PASSWORD`. Never log it. */
  readonly newPassword?: string;
}

/** Lists the devices of the user. */
export async function listDevices({ connection, timeoutMs, json }: DevicesOptions): Promise<number> {
  const format = await deviceFormat(json);
  const opened = await openConnection(connection);
  const devices = await withClient(opened, (client) => client.listDevices(), { timeoutMs });
  const output = new Output();
  for (const device of devices) if (!await output.line(format(device))) break;
  return exitCode.done;
}

/** Logs out a device of the user. */
export async function revokeDevice({ connection, timeoutMs, id }: DeviceRevokeOptions): Promise<number> {
  const opened = await openConnection(connection);
  const { id: revoked, name } = await withClient(opened, async (client) => {
    const device = chooseDevice(await client.listDevices(), id);
    await client.revokeDevice(device.id);
    return device;
  }, { timeoutMs });
  printNotice(`Logged out the device ${revoked} "${name}".`);
  return exitCode.done;
}

/** Changes the password, and keeps the new token of this device. */
export async function changePassword(options: PasswdOptions): Promise<number> {
  const opened = await openConnection(options.connection);
  const { current, next } = await readPasswords(opened.user, options);
  // The current password also logs in, if no login is saved.
  const connection = await openConnection({ ...options.connection, passwordFile: undefined, password: current });
  connection.state.requireWritable();
  let isSent = false;
  try {
    await withClient(connection, async (client) => {
      isSent = true;
      saveCredentials(connection.state, await client.changePassword(current, next));
    }, { timeoutMs: options.timeoutMs });
  } catch (error) {
    // A time limit and a lost connection end the client before its reply does.
    throw isSent ? UnknownOutcome.ofPasswordChange(error) : error;
  }
  printNotice(`Changed the password of ${connection.user}. Your other devices were logged out.`);
  return exitCode.done;
}

function chooseDevice(devices: readonly Device[], id: string): Device {
  const [device, another] = devices.filter((device) => device.id.startsWith(id));
  if (device === undefined) {
    throw new ChatError("not_found", `You have no device ${id}: list them with "chatd devices".`);
  }
  if (another !== undefined) {
    throw new ChatError("invalid_argument", `Several device ids begin with ${id}: give more of the id.`);
  }
  return device;
}

async function readPasswords(
  user: string,
  { connection: { passwordFile, password }, newPasswordFile, newPassword }: PasswdOptions,
): Promise<{ current: string; next: string }> {
  const lines = Deno.stdin.isTerminal() ? undefined : splitLines(Deno.stdin.readable);
  const current = passwordFile !== undefined ? await readPasswordFile(passwordFile) : password ??
    (lines === undefined
      ? await promptPassword(`Current password of ${user}: `, promptTerminal)
      : await readLine(lines, "the current password: give --password-file FILE"));
  const next = newPasswordFile !== undefined ? await readPasswordFile(newPasswordFile) : newPassword ??
    (lines === undefined
      ? await promptNewPassword({ first: "New password: ", again: "Repeat the new password: " })
      : await readLine(lines, "the new password: give --new-password-file FILE"));
  return { current, next };
}

/** @param missing completes an error for a line that is missing */
async function readLine(lines: AsyncGenerator<{ text: string; problem?: string }, void>, missing: string) {
  const { value } = await lines.next();
  if (value?.problem !== undefined) throw new ChatError("invalid_argument", `A password on stdin: ${value.problem}`);
  if (value !== undefined && value.text !== "") return value.text;
  throw new ChatError("invalid_argument", `There is no line on stdin for ${missing}, or a line on stdin.`);
}

async function deviceFormat(json: boolean): Promise<(device: Device) => string> {
  if (json) {
    const { deviceRecord } = await import("../script/json_records.ts");
    return (device) => jsonLine(deviceRecord(device));
  }
  return ({ id, name, createdAtMs, lastUsedAtMs, current, online }) => {
    const state = current ? "current" : online ? "online" : "offline";
    const times = [createdAtMs, lastUsedAtMs].map((ms) => new Date(ms).toISOString());
    return [id, name, ...times, state].map(sanitizeLine).join("\t");
  };
}
