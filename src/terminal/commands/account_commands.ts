import type { Device } from "../../gen/chatd/v1/auth.ts";
import { ChatError } from "../../core/chat_error.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type CommandContext, type Commands, only, usage } from "./command.ts";
import { clock, date } from "../text/local_clock.ts";
import { userText } from "../text/profile_text.ts";

/** Account, devices and login. */
export const accountCommands: Commands = {
  whoami: {
    arguments: "",
    summary: "Show your name, your device, and when its login expires",
    async run({ client, print }) {
      const { user, deviceId, deviceName, tokenExpiresAtMs } = await client.whoAmI();
      const device = `"${sanitizeLine(deviceName)}" (${sanitizeLine(deviceId)})`;
      const expiry = tokenExpiresAtMs > 0 ? ` Unless you use it, its login expires on ${date(tokenExpiresAtMs)}.` : "";
      const { settings } = await client.people.settings();
      await print([`You are ${userText({ name: user, ...settings })} on device ${device}.${expiry}`]);
    },
  },
  passwd: {
    arguments: "",
    summary: "Change your password, and log out your other devices",
    run: changePassword,
  },
  devices: {
    arguments: "[revoke ID]",
    summary: "List your devices, or log one out",
    run: (context, { words }) => devices(context, words),
  },
  deleteaccount: {
    arguments: "YOUR_NAME",
    summary: "Delete your account forever, after asking for your password",
    run: (context, { words }) => deleteAccount(context, words),
  },
  logout: {
    arguments: "",
    summary: "Log out this device, and quit",
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
  if (!current || !next || !again) return await context.print(["Your password was not changed."]);
  if (next !== again) {
    throw new ChatError("invalid_argument", "The new passwords differ. Your password was not changed.");
  }
  await context.keepCredentials(await context.client.changePassword(current, next));
  await context.print(["Your password was changed. Your other devices were logged out."]);
}

async function deleteAccount(context: CommandContext, words: readonly string[]): Promise<void> {
  const { client, me, print, askSecret, loggedOut, leave } = context;
  if (only(words, "/deleteaccount YOUR_NAME") !== me) {
    throw new ChatError("invalid_argument", `To delete your account forever, type: /deleteaccount ${me}`);
  }
  await print([
    `This deletes the account ${me} forever. You leave all rooms, and your name cannot be used again.`,
    "Depending on the server, your messages are erased or stay under a made-up name.",
    "Press Ctrl-C to keep your account.",
  ]);
  const password = await askSecret("Password: ");
  if (!password) return await print(["Your account was not deleted."]);
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
    throw new ChatError("invalid_argument", `Several device IDs begin with ${id}. Type more of the ID.`);
  }
  await client.revokeDevice(matching.at(0)?.id ?? id);
  await print([`Device ${sanitizeLine(matching.at(0)?.id ?? id)} was logged out.`]);
}

function deviceLine({ id, name, lastUsedAtMs, current, online }: Device): string {
  const state = current ? "this device" : online ? "online" : `last used ${date(lastUsedAtMs)} ${clock(lastUsedAtMs)}`;
  return `  ${sanitizeLine(id)}  ${sanitizeLine(name)} (${state})`;
}
