import { ChatError } from "../../core/chat_error.ts";
import type { DirectMessages, Settings } from "../../core/people/settings_store.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type CommandContext, type Commands, only, parseNumber, placeOf, usage } from "./command.ts";
import { type Level, levels } from "../chat/conversations/conversation_list.ts";

const settingForm = "/set receipts on|off, /set presence on|off, /set messages anyone|contacts|nobody, " +
  "/set name TEXT, or /set status TEXT; - removes a text";
const directMessages: readonly DirectMessages[] = ["anyone", "contacts", "nobody"];

/** Privacy settings, presence and blocks. */
export const peopleCommands: Commands = {
  readers: {
    arguments: "N",
    summary: "List who has read message N of this conversation",
    async run(context, input) {
      const seq = parseNumber(only(input.words, "/readers N"), "/readers N");
      const { users, count } = await context.client.people.readers(placeOf(input).address, seq);
      const names = users.map(sanitizeLine).join(", ");
      const more = count > users.length ? ` and ${count - users.length} more` : "";
      await context.print([count === 0 ? "No one who shares read receipts has read it." : `Read by ${names}${more}.`]);
    },
  },
  away: {
    arguments: "",
    summary: "Show you as away, until /back",
    async run({ away, print }) {
      await away.declare(true);
      await print(["Others see you as away, until /back."]);
    },
  },
  back: {
    arguments: "",
    summary: "Show you as online again",
    async run({ away, print }) {
      await away.declare(false);
      await print(["Others see you as online."]);
    },
  },
  block: {
    arguments: "[NAME]",
    summary: "Hide a user's messages from you, without telling them; without NAME, list blocked users",
    takesName: true,
    async run(context, { words }) {
      if (words.length === 0) return await listBlocked(context);
      const user = only(words, "/block NAME");
      await context.client.people.block(user);
      await context.print([`New messages from ${sanitizeLine(user)} are hidden from you, until /unblock.`]);
    },
  },
  unblock: {
    arguments: "NAME",
    summary: "Show a user's messages again",
    takesName: true,
    async run({ client, print }, { words }) {
      const user = only(words, "/unblock NAME");
      await client.people.unblock(user);
      await print([`New messages from ${sanitizeLine(user)} are shown again. Those sent meanwhile stay hidden.`]);
    },
  },
  set: {
    arguments: "[SETTING VALUE]",
    summary:
      "Change a setting: name, status, receipts, presence, messages, notify, level, markdown, mouse; without arguments, " +
      "show them",
    async run(context, { words, text }) {
      const { client, print, preferences } = context;
      if (Object.hasOwn(preferenceSetters, words[0] ?? "")) {
        return await print([await preferenceSetters[words[0]](context, words.slice(1))]);
      }
      const settings = words.length === 0
        ? (await client.people.settings()).settings
        : await client.people.updateSettings(parseSetting(words, text));
      await print([
        ...settingLines(settings),
        `  notify ${preferences.notify}`,
        `  markdown ${onOff(preferences.markdown)}`,
        `  mouse ${onOff(preferences.mouse)}`,
      ]);
    },
  },
};

async function listBlocked({ client, print }: CommandContext): Promise<void> {
  const { blocked } = await client.people.settings();
  await print([
    blocked.length === 0 ? "You have blocked no one." : `You have blocked ${blocked.map(sanitizeLine).join(", ")}.`,
  ]);
}

function parseSetting([name, value, ...rest]: readonly string[], text: string): Partial<Settings> {
  const said = /^\s*\S+\s+([^]*\S)/.exec(text)?.[1];
  if (said !== undefined && name === "name") return { displayName: said === "-" ? "" : said };
  if (said !== undefined && name === "status") return { status: said === "-" ? "" : said };
  const on = value === "on" ? true : value === "off" ? false : undefined;
  const from = directMessages.find((each) => each === value);
  if (rest.length === 0) {
    if (name === "receipts" && on !== undefined) return { readReceipts: on };
    if (name === "presence" && on !== undefined) return { presence: on };
    if (name === "messages" && from !== undefined) return { directMessages: from };
  }
  throw usage(settingForm);
}

const notifyForm = "/set notify off|on|osc9|osc777";
const markdownForm = "/set markdown on|off";
const mouseForm = "/set mouse on|off";
const levelForm = "/set level #ROOM all|mentions|none";

type SetPreference = (context: CommandContext, values: readonly string[]) => string | Promise<string>;

/** Preferences of this terminal, by name; each sets its value, and returns its effect. */
const preferenceSetters: Readonly<Record<string, SetPreference>> = {
  notify: setNotify,
  markdown: setMarkdown,
  mouse: setMouse,
  level: setLevel,
};

function setNotify({ preferences }: CommandContext, [value, ...rest]: readonly string[]): string {
  const notify = ({ off: "off", on: "osc9", osc9: "osc9", osc777: "osc777" } as const)[value];
  if (notify === undefined || rest.length > 0) throw usage(notifyForm);
  preferences.setNotify(notify);
  return notify === "off"
    ? "Desktop notifications are off."
    : `Desktop notifications are on, in terminals that support ${notify === "osc9" ? "OSC 9" : "OSC 777"}.`;
}

function setMarkdown({ preferences }: CommandContext, values: readonly string[]): string {
  const on = parseSwitch(values, markdownForm);
  preferences.setMarkdown(on);
  return on ? "Marks such as **bold** are shown as styles." : "Messages are shown as they were typed.";
}

function setMouse({ preferences }: CommandContext, values: readonly string[]): string {
  const on = parseSwitch(values, mouseForm);
  preferences.setMouse(on);
  return on
    ? "The wheel of the mouse scrolls the messages; with Shift, the mouse selects text."
    : "The mouse selects text, and its wheel does nothing.";
}

/** Parses "on" or "off". @throws {ChatError} for anything else */
function parseSwitch([value, ...rest]: readonly string[], form: string): boolean {
  if ((value !== "on" && value !== "off") || rest.length > 0) throw usage(form);
  return value === "on";
}

async function setLevel(
  { names, rooms, preferences }: CommandContext,
  values: readonly string[],
): Promise<string> {
  const [room, value, ...rest] = values;
  const level = levels.find((each) => each === value);
  const address = room === undefined ? "" : await rooms.resolve(room);
  if (level === undefined || rest.length > 0) throw usage(levelForm);
  if (!isRoomId(address)) throw new ChatError("not_found", `You are not in a room "${sanitizeLine(room)}".`);
  preferences.setLevel(address, level);
  const effects: Readonly<Record<Level, string>> = {
    all: "all messages count as unread, and the bell rings for mentions",
    mentions: "only mentions count as unread",
    none: "nothing counts as unread, and the bell does not ring",
  };
  return `${names.label(address)}: ${effects[level]}.`;
}

function settingLines({ readReceipts, presence, directMessages, displayName, status }: Settings): string[] {
  const from: Readonly<Record<DirectMessages, string>> = {
    anyone: "anyone may send you messages",
    contacts: "only users you have written to may send you messages",
    nobody: "no one may send you messages outside rooms",
  };
  return [
    `  name ${displayName === "" ? "-: others see your account name alone" : sanitizeLine(displayName)}`,
    `  status ${sanitizeLine(status || "-")}`,
    `  receipts ${onOff(readReceipts)}: you and others ${readReceipts ? "" : "do not "}see what the other has read`,
    `  presence ${onOff(presence)}: others ${presence ? "" : "do not "}see whether you are online`,
    `  messages ${directMessages}: ${from[directMessages]}`,
  ];
}

function onOff(setting: boolean): string {
  return setting ? "on" : "off";
}
