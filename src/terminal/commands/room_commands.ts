import { ChatError } from "../../core/chat_error.ts";
import type { MemberRole } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { Role } from "../../gen/chatd/v1/chat.ts";
import type { ListMembersResponse } from "../../gen/chatd/v1/rooms.ts";
import { type CommandContext, type Commands, currentOf, only, usage } from "./command.ts";

const roles: readonly MemberRole[] = ["owner", "moderator", "member"];

/** Rooms, and who is in them. */
export const roomCommands: Commands = {
  rooms: {
    arguments: "[WORD]",
    summary: "Public rooms, those with WORD in their name or topic",
    async run({ client, print }, { text }) {
      const { rooms, more } = await client.rooms.list({ query: text.trim(), limit: 100 });
      const lines = rooms.map(({ name, members, topic }) => {
        const about = topic === "" ? "" : `: ${sanitizeLine(topic)}`;
        return `  #${sanitizeLine(name)} (${members})${about}`;
      });
      if (more) lines.push("  and more: /rooms WORD finds those with WORD in their name or topic");
      await print(lines.length > 0 ? lines : ["There is no such public room. /create #NAME makes one."]);
    },
  },
  create: {
    arguments: "#NAME [private] [history]",
    summary: "Make a room; with history, new members see what was said before",
    async run(context, { words }) {
      const [name, ...flags] = words;
      if (name === undefined || flags.some((flag) => flag !== "private" && flag !== "history")) {
        throw usage("/create #NAME [private] [history]");
      }
      const [isPrivate, historyVisible] = [flags.includes("private"), flags.includes("history")];
      const room = await context.client.rooms.create({ name, public: !isPrivate, historyVisible });
      context.names.addRoom(room);
      await context.writeTo(room.id);
      if (isPrivate) await context.print([`Only people whom you /invite come in. Its address is ${room.id}.`]);
    },
  },
  join: {
    arguments: "#ROOM",
    summary: "Come into a room, and write there from now on",
    takesName: true,
    async run(context, { words }) {
      const room = await context.client.rooms.join(context.names.address(only(words, "/join #ROOM")));
      context.names.addRoom(room);
      await context.writeTo(room.id);
      if (room.topic !== "") await context.print([`Topic: ${sanitizeLine(room.topic)}`]);
    },
  },
  leave: {
    arguments: "[#ROOM]",
    summary: "Leave a room, this one if not said; or turn an invitation down",
    takesName: true,
    async run(context, { words }) {
      const address = roomOf(context, words, "/leave [#ROOM]");
      await context.client.rooms.leave(address);
      if (address === context.current?.address) context.stopWriting();
    },
  },
  who: {
    arguments: "[#ROOM]",
    summary: "Who is in a room, this one if not said",
    takesName: true,
    async run(context, { words }) {
      const { members, more } = await context.client.rooms.members(roomOf(context, words, "/who [#ROOM]"), {
        limit: 500,
      });
      await context.print(memberLines(members, more));
    },
  },
  topic: {
    arguments: "TEXT",
    summary: "Set the topic of this room; - takes it away",
    async run(context, { text }) {
      const topic = text.trim();
      if (topic === "") throw usage("/topic TEXT");
      await context.client.rooms.setTopic(roomOf(context, [], "/topic TEXT"), topic === "-" ? "" : topic);
    },
  },
  invite: {
    arguments: "NAME",
    summary: "Invite somebody into this room",
    takesName: true,
    run: (context, { words }) =>
      about(context, words, "/invite NAME", (room, user) => context.client.rooms.invite(room, user)),
  },
  remove: {
    arguments: "NAME",
    summary: "Remove somebody from this room, or take an invitation back",
    takesName: true,
    run: (context, { words }) =>
      about(context, words, "/remove NAME", (room, user) => context.client.rooms.remove(room, user)),
  },
  ban: {
    arguments: "NAME",
    summary: "Remove somebody from this room for good",
    takesName: true,
    run: (context, { words }) =>
      about(context, words, "/ban NAME", (room, user) => context.client.rooms.remove(room, user, { ban: true })),
  },
  unban: {
    arguments: "NAME",
    summary: "Let somebody come back into this room",
    takesName: true,
    run: (context, { words }) =>
      about(context, words, "/unban NAME", (room, user) => context.client.rooms.unban(room, user)),
  },
  role: {
    arguments: "NAME owner|moderator|member",
    summary: "Say what somebody may do in this room",
    takesName: true,
    async run(context, { words }) {
      const form = "/role NAME owner|moderator|member";
      const [user, word, ...rest] = words;
      const role = roles.find((each) => each === word);
      if (role === undefined || rest.length > 0) throw usage(form);
      await context.client.rooms.setRole(roomOf(context, [], form), user, role);
    },
  },
  room: {
    arguments: "public|private, history on|off, name NAME",
    summary: "Change this room",
    async run(context, { words }) {
      const form = "/room public|private, /room history on|off, or /room name NAME";
      await context.client.rooms.update(roomOf(context, [], form), roomChange(words, form));
    },
  },
};

function roomChange(
  words: readonly string[],
  form: string,
): { name?: string; public?: boolean; historyVisible?: boolean } {
  const [what, how, ...rest] = words;
  if (rest.length === 0) {
    if ((what === "public" || what === "private") && how === undefined) return { public: what === "public" };
    if (what === "history" && (how === "on" || how === "off")) return { historyVisible: how === "on" };
    if (what === "name" && how !== undefined) return { name: how };
  }
  throw usage(form);
}

async function about(
  context: CommandContext,
  words: readonly string[],
  form: string,
  act: (room: string, user: string) => Promise<void>,
): Promise<void> {
  const user = only(words, form);
  await act(roomOf(context, [], form), user);
}

/** The room that is named, or else the current one. */
function roomOf(context: CommandContext, words: readonly string[], form: string): string {
  if (words.length > 0) return context.names.address(only(words, form));
  const { address } = currentOf(context);
  if (address.startsWith("+")) return address;
  throw new ChatError("invalid_argument", `You are in a conversation of two, not in a room. Write: ${form}`);
}

function memberLines(members: ListMembersResponse["members"], more: boolean): string[] {
  const titles: readonly [Role, string][] = [
    [Role.OWNER, "Owners"],
    [Role.MODERATOR, "Moderators"],
    [Role.MEMBER, "Members"],
    [Role.INVITED, "Invited"],
    [Role.BANNED, "Banned"],
  ];
  const lines = titles.flatMap(([role, title]) => {
    const those = members.filter((member) => member.role === role);
    if (those.length === 0) return [];
    return [
      `${title}: ${those.map(({ user, online }) => `${sanitizeLine(user)}${online ? "" : " (offline)"}`).join(", ")}`,
    ];
  });
  return more ? [...lines, "and more"] : lines;
}
