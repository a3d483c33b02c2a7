import type { Device } from "../../gen/chatd/v1/auth.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type CommandContext, type Commands, only, usage } from "./command.ts";
import { clock, date } from "../text/transcript.ts";

/** The person's account and login. */
export const accountCommands: Commands = {
  whoami: {
    arguments: "",
    summary: "Who and where you are",
    async run({ client, print }) {
      const { user, deviceId, deviceName, tokenExpiresAtMs } = await client.whoAmI();
      const device = `"${sanitizeLine(deviceName)}" (${sanitizeLine(deviceId)})`;
      const until = tokenExpiresAtMs > 0 ? `, logged in until ${date(tokenExpiresAtMs)} if not used before` : "";
      await print([`You are ${sanitizeLine(user)} on device ${device}${until}.`]);
    },
  },
  passwd: {
    arguments: "",
    summary: "Change your password; your other devices are logged out",
    run: changePassword,
  },
  devices: {
    arguments: "[revoke ID]",
    summary: "Where you are logged in; log one of them out",
    run: (context, { words }) => devices(context, words),
  },
  deleteaccount: {
    arguments: "YOUR_NAME",
    summary: "Delete your account for ever, after asking for your password",
    run: (context, { words }) => deleteAccount(context, words),
  },
  logout: {
    arguments: "",
    summary: "Forget the login of this machine, and leave",
    async run({ client, loggedOut, leave }) {
      await client.logOut();
      await loggedOut();
      leave();
    },
  },
};

async function changePassword(context: CommandContext): Promise<void> {
  const current = await context.askSecret("Current password: ");
  const next = current && await context.askSecret("New password: ");
  const again = next && await context.askSecret("New password again: ");
  if (!current || !next || !again) return await context.print(["The password stays as it is."]);
  if (next !== again) throw new ChatError("invalid_argument", "The two new passwords differ: the old one stays.");
  await context.keepCredentials(await context.client.changePassword(current, next));
  await context.print(["The password is changed, and your other devices are logged out."]);
}

async function deleteAccount(context: CommandContext, words: readonly string[]): Promise<void> {
  const { client, me, print, askSecret, loggedOut, leave } = context;
  if (only(words, "/deleteaccount YOUR_NAME") !== me) {
    throw new ChatError("invalid_argument", `To delete your account for ever, write: /deleteaccount ${me}`);
  }
  await print([
    `This deletes the account ${me} for ever. You leave all rooms, and nobody gets your name again.`,
    "Your messages stay, from a made-up name, or are erased, as this server does it.",
    "Ctrl-C keeps your account.",
  ]);
  const password = await askSecret("Password: ");
  if (!password) return await print(["Your account stays."]);
  await client.deleteAccount(password);
  await loggedOut();
  leave("Your account is deleted.");
}

async function devices({ client, print }: CommandContext, args: readonly string[]): Promise<void> {
  if (args.length === 0) return await print((await client.listDevices()).flatMap(deviceLine));
  const [verb, ...ids] = args;
  if (verb !== "revoke") throw usage("/devices [revoke ID]");
  const id = only(ids, "/devices revoke ID");
  const matching = (await client.listDevices()).filter((device) => device.id.startsWith(id));
  if (matching.length > 1) {
    throw new ChatError("invalid_argument", `Several devices begin with ${id}: write more of it.`);
  }
  await client.revokeDevice(matching.at(0)?.id ?? id);
  await print([`Device ${sanitizeLine(matching.at(0)?.id ?? id)} is logged out.`]);
}

function deviceLine({ id, name, lastUsedAtMs, current, online }: Device): string {
  const state = current ? "this one" : online ? "online" : `last used ${date(lastUsedAtMs)} ${clock(lastUsedAtMs)}`;
  return `  ${sanitizeLine(id)}  ${sanitizeLine(name)} (${state})`;
}
