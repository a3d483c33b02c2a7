import { ChatError } from "../../core/chat_error.ts";
import type { DirectMessages, Settings } from "../../core/people/settings_store.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type CommandContext, type Commands, only, parseNumber, placeOf, usage } from "./command.ts";
import { type Level, levels } from "../chat/conversation_list.ts";

const settingForm = "/set receipts on|off, /set presence on|off, or /set messages anyone|contacts|nobody";
const directMessages: readonly DirectMessages[] = ["anyone", "contacts", "nobody"];

/** What others see of the person, and the person of others. */
export const peopleCommands: Commands = {
  readers: {
    arguments: "N",
    summary: "Who has read message N of this conversation",
    async run(context, input) {
      const seq = parseNumber(only(input.words, "/readers N"), "/readers N");
      const { users, count } = await context.client.people.readers(placeOf(input).address, seq);
      const names = users.map(sanitizeLine).join(", ");
      const more = count > users.length ? ` and ${count - users.length} more` : "";
      await context.print([count === 0 ? "Nobody who says so has read it." : `Read by ${names}${more}.`]);
    },
  },
  away: {
    arguments: "",
    summary: "Tell that you are not at the keyboard; /back tells that you are",
    async run({ client, print }) {
      await client.people.setAway(true);
      await print(["Others see that you are away. /back ends that."]);
    },
  },
  back: {
    arguments: "",
    summary: "Tell that you are at the keyboard again",
    async run({ client, print }) {
      await client.people.setAway(false);
      await print(["Others see that you are here."]);
    },
  },
  block: {
    arguments: "[NAME]",
    summary: "Hear nothing of somebody any more, without telling them; who that is, without a name",
    takesName: true,
    async run(context, { words }) {
      if (words.length === 0) return await listBlocked(context);
      const user = only(words, "/block NAME");
      await context.client.people.block(user);
      await context.print([`What ${sanitizeLine(user)} writes from now on is hidden from you. /unblock ends that.`]);
    },
  },
  unblock: {
    arguments: "NAME",
    summary: "Hear of somebody again",
    takesName: true,
    async run({ client, print }, { words }) {
      const user = only(words, "/unblock NAME");
      await client.people.unblock(user);
      await print([`You hear of ${sanitizeLine(user)} again. What they wrote meanwhile stays hidden.`]);
    },
  },
  set: {
    arguments: "[SETTING VALUE]",
    summary: "Your settings: receipts, presence, messages, notify, level; without arguments, shows them",
    async run(context, { words }) {
      const { client, print, preferences } = context;
      if (words[0] === "notify" || words[0] === "level") return await print([setPreference(context, words)]);
      const settings = words.length === 0
        ? (await client.people.settings()).settings
        : await client.people.updateSettings(parseSetting(words));
      await print([...settingLines(settings), `  notify ${preferences.notify}`]);
    },
  },
};

async function listBlocked({ client, print }: CommandContext): Promise<void> {
  const { blocked } = await client.people.settings();
  await print([blocked.length === 0 ? "You block nobody." : `You block ${blocked.map(sanitizeLine).join(", ")}.`]);
}

function parseSetting([name, value, ...rest]: readonly string[]): Partial<Settings> {
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
const levelForm = "/set level #ROOM all|mentions|none";

/** Sets a preference of this terminal. @returns its effect. */
function setPreference({ names, preferences }: CommandContext, words: readonly string[]): string {
  const [name, ...values] = words;
  if (name === "notify") {
    const [value, ...rest] = values;
    const notify = ({ off: "off", on: "osc9", osc9: "osc9", osc777: "osc777" } as const)[value];
    if (notify === undefined || rest.length > 0) throw usage(notifyForm);
    preferences.setNotify(notify);
    return notify === "off"
      ? "The desktop is told nothing."
      : `Terminals that know ${notify === "osc9" ? "OSC 9" : "OSC 777"} tell the desktop who wrote to you.`;
  }
  const [room, value, ...rest] = values;
  const level = levels.find((each) => each === value);
  const address = room === undefined ? "" : names.address(room);
  if (level === undefined || rest.length > 0) throw usage(levelForm);
  if (!isRoomId(address)) throw new ChatError("not_found", `You are in no room ${sanitizeLine(room)}.`);
  preferences.setLevel(address, level);
  const what: Readonly<Record<Level, string>> = {
    all: "all messages are counted, and the bell rings when they name you",
    mentions: "only messages that name you are counted",
    none: "nothing is counted, and no bell rings",
  };
  return `${names.label(address)}: ${what[level]}.`;
}

function settingLines({ readReceipts, presence, directMessages }: Settings): string[] {
  const from: Readonly<Record<DirectMessages, string>> = {
    anyone: "anyone may write to you",
    contacts: "only people to whom you have written may write to you",
    nobody: "nobody may write to you outside rooms",
  };
  return [
    `  receipts ${onOff(readReceipts)}: others ${readReceipts ? "" : "do not "}see what you have read, and you of them`,
    `  presence ${onOff(presence)}: others ${presence ? "" : "do not "}see whether you are here`,
    `  messages ${directMessages}: ${from[directMessages]}`,
  ];
}

function onOff(setting: boolean): string {
  return setting ? "on" : "off";
}
