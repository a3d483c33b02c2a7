import { findSimilar } from "@optique/core/suggestion";
import type { ChatClient } from "../client/chat_client.ts";
import { ChatError } from "../core/chat_error.ts";
import type { Message } from "../core/message.ts";
import type { Credentials, Device } from "../gen/chatd/v1/auth.ts";
import { sanitizeLine } from "../core/sanitize.ts";
import { fromWireMessage } from "../wire/convert.ts";
import { clock, date } from "./transcript.ts";

/** What commands may do to the chat that they are given in. */
export interface CommandContext {
  readonly client: ChatClient;
  readonly recipient: string | undefined;
  /** Lines that are safe for a terminal. */
  print(lines: readonly string[]): Promise<void>;
  show(messages: readonly Message[]): Promise<void>;
  writeTo(name: string): Promise<void>;
  askSecret(question: string): Promise<string | undefined>;
  keepCredentials(credentials: Credentials): Promise<void>;
  loggedOut(): Promise<void>;
  leave(): void;
}

interface Command {
  /** After the name, for people. */
  readonly arguments: string;
  readonly summary: string;
  run(context: CommandContext, args: readonly string[]): Promise<void> | void;
}

const most = 200;

const commands: Readonly<Record<string, Command>> = {
  help: {
    arguments: "",
    summary: "This list",
    run: ({ print }) => print(helpLines()),
  },
  users: {
    arguments: "",
    summary: "Everybody here, and who is online",
    run: listUsers,
  },
  to: {
    arguments: "NAME",
    summary: "Write to somebody else from now on",
    async run(context, args) {
      await context.writeTo(only(args, "/to NAME"));
    },
  },
  history: {
    arguments: "[NAME] [N]",
    summary: "The last N messages with somebody, 20 if not said",
    run: showHistory,
  },
  sent: {
    arguments: "[N]",
    summary: "The last N messages that you sent to anybody",
    async run({ client, show }, args) {
      const [limit, ...rest] = args;
      if (rest.length > 0) throw usage("/sent [N]");
      const { messages } = await client.sent({ limit: parseCount(limit ?? "20", "/sent [N]") });
      await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
    },
  },
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
  ping: {
    arguments: "",
    summary: "How long the server takes to answer",
    async run({ client, print }) {
      await print([`The server answered in ${(await client.ping()).toFixed(1)} ms.`]);
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
    run: devices,
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
  quit: {
    arguments: "",
    summary: "Leave; so does Ctrl-D",
    run: ({ leave }) => leave(),
  },
};

/** Runs "/name arguments". @throws {ChatError} that says what was wrong with it, or what the server said. */
export async function runCommand(line: string, context: CommandContext): Promise<void> {
  const [word, ...args] = line.slice(1).trim().split(/\s+/);
  if (Object.hasOwn(commands, word)) return await commands[word].run(context, args);
  const similar = findSimilar(word, Object.keys(commands), { maxDistance: 3, maxSuggestions: 1 })
    .map((name) => ` Did you mean /${name}?`).join("");
  throw new ChatError(
    "invalid_argument",
    `There is no command /${word}.${similar} /help lists them; //${word} sends "/${word}" as a message.`,
  );
}

/** What may stand instead of `before`: commands and, after one that takes a name, names. */
export function completeCommand(before: string, names: Iterable<string>): string[] {
  if (/^\/\w*$/.test(before)) {
    return Object.keys(commands).map((name) => `/${name} `).filter((command) => command.startsWith(before));
  }
  const command = /^\/(?:to|history)\s+/.exec(before)?.[0];
  if (command === undefined) return [];
  return [...names].map((name) => `${command}${name}`).filter((whole) => whole.startsWith(before));
}

function helpLines(): string[] {
  const rows = Object.entries(commands).map(([name, command]) => [`/${name} ${command.arguments}`, command.summary]);
  rows.push(["//text", "Send a message that begins with a slash"]);
  rows.push(["Alt-Enter", "A new line within the message; pasted lines are one message as well"]);
  return rows.map(([usage, summary]) => `  ${usage.padEnd(22)} ${summary}`);
}

async function listUsers({ client, print }: CommandContext): Promise<void> {
  const { users, more } = await client.listUsers({ limit: 1000 });
  const name = (user: { name: string }) => sanitizeLine(user.name);
  const online = users.filter((user) => user.online).map(name);
  const offline = users.filter((user) => !user.online).map(name);
  await print([
    `Online: ${online.join(", ") || "nobody"}`,
    `Offline: ${offline.join(", ") || "nobody"}${more ? ", and more" : ""}`,
  ]);
}

async function showHistory({ client, recipient, show, print }: CommandContext, args: readonly string[]): Promise<void> {
  const form = "/history [NAME] [N]";
  // A name may be all digits: with one argument, a number is a count unless nobody else is meant.
  const [name, count, ...rest] = args.length === 1 && /^\d+$/.test(args[0]) && recipient ? [recipient, ...args] : args;
  const other = name ?? recipient;
  if (rest.length > 0 || other === undefined) throw usage(form);
  const { messages, more } = await client.history({ with: other, limit: parseCount(count ?? "20", form) });
  if (messages.length === 0) return await print([`Nothing was said between you and ${sanitizeLine(other)} yet.`]);
  if (more) await print(["(There is more before this.)"]);
  await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
}

async function changePassword(context: CommandContext): Promise<void> {
  const current = await context.askSecret("Current password: ");
  const next = current && await context.askSecret("New password: ");
  const again = next && await context.askSecret("New password again: ");
  if (!current || !next || !again) return await context.print(["The password stays as it is."]);
  if (next !== again) throw new ChatError("invalid_argument", "The two new passwords differ: the old one stays.");
  await context.keepCredentials(await context.client.changePassword(current, next));
  await context.print(["The password is changed, and your other devices are logged out."]);
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

function only(args: readonly string[], form: string): string {
  if (args.length !== 1) throw usage(form);
  return args[0];
}

function parseCount(text: string, form: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count;
  throw new ChatError("invalid_argument", `"${text}" is not a number from 1 to ${most}. Write: ${form}`);
}

function usage(form: string): ChatError {
  return new ChatError("invalid_argument", `Write: ${form}`);
}
