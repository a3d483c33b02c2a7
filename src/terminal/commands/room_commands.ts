import { ChatError } from "../../core/chat_error.ts";
import { parseMentioners } from "../../core/rooms/mentioners.ts";
import { isRoomId, type MemberRole } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type Conversation, Role, type Room } from "../../gen/chatd/v1/chat.ts";
import type { ListMembersResponse } from "../../gen/chatd/v1/rooms.ts";
import { type CommandContext, type CommandInput, type Commands, only, placeOf, usage } from "./command.ts";
import { fromWireMentionAll } from "../../wire/events.ts";
import { profileLines } from "../text/profile_text.ts";
import { describeAccess, describeMentionAll } from "../text/room_text.ts";

const roles: readonly MemberRole[] = ["owner", "moderator", "member"];

/** Rooms and their members. */
export const roomCommands: Commands = {
  rooms: {
    arguments: "[WORD]",
    summary: "List public rooms and your private ones, or those with WORD in their name or topic",
    async run({ client, names, print, rooms: { privateRooms } }, { text }) {
      const query = text.trim();
      const { rooms, more } = await client.rooms.list({ query, limit: 100 });
      const lines = rooms.map(({ name, members, topic }) => {
        const about = topic === "" ? "" : `: ${sanitizeLine(topic)}`;
        return `  #${sanitizeLine(name)} (${members})${about}`;
      });
      if (more) lines.push("  and more; narrow the list with /rooms WORD");
      const own = privateRooms.filter(({ name }) => name.includes(query.replace(/^#/, "").toLowerCase()));
      lines.push(...own.map(({ id }) => `  ${names.label(id)} (private)`));
      await print(lines.length > 0 ? lines : ["No such room. Create one with /create #NAME."]);
    },
  },
  create: {
    arguments: "#NAME [private] [history]",
    summary: "Create a room; with history, new members see earlier messages",
    destination: ({ words: [name, ...flags] }) => flags.every(isCreateFlag) ? name?.replace(/^#?/, "#") : undefined,
    opensDestination: "created",
    async run(context, { words, place }) {
      const [name, ...flags] = words;
      if (name === undefined || !flags.every(isCreateFlag)) {
        throw usage("/create #NAME [private] [history]");
      }
      const [isPrivate, historyVisible] = [flags.includes("private"), flags.includes("history")];
      const room = await context.client.rooms.create({ name, public: !isPrivate, historyVisible });
      await context.opened(place!, room);
      if (isPrivate) await context.print([`Only users you /invite can join. The address of the room is ${room.id}.`]);
    },
  },
  join: {
    arguments: "#ROOM",
    summary: "Join a room, and go there",
    takesName: true,
    destination: ({ words }) => words.length === 1 ? words[0].replace(/^(?![#+])/, "#") : undefined,
    opensDestination: "joined",
    async run(context, { words, place }) {
      only(words, "/join #ROOM");
      const room = await join(context, place!.address);
      await context.opened(place!, room);
      if (room.topic !== "") await context.print([`Topic: ${sanitizeLine(room.topic)}`]);
    },
  },
  leave: {
    arguments: "[#ROOM]",
    summary: "Leave this room or another one, or decline an invitation",
    takesName: true,
    async run(context, input) {
      const asked = await roomOf(context, input, "/leave [#ROOM]");
      const address = asked.startsWith("#") ? await context.rooms.invitation(asked) ?? asked : asked;
      await context.client.rooms.leave(address);
      context.left(address);
    },
  },
  who: {
    arguments: "[#ROOM]",
    summary: "List the members of this room or another one",
    takesName: true,
    async run(context, input) {
      const room = await roomOf(context, input, "/who [#ROOM]");
      const { members, more } = await context.client.rooms.members(room, { limit: 500 });
      await context.print(memberLines(members, more));
    },
  },
  topic: {
    arguments: "[TEXT]",
    summary: "Set the topic of this room, - removes it; without TEXT, show it",
    async run({ client, print }, input) {
      const topic = input.text.trim();
      const room = placeRoom(input, "/topic [TEXT]");
      if (topic !== "") return await client.rooms.setTopic(room, topic === "-" ? "" : topic);
      const present = (await client.conversation(room)).room?.topic ?? "";
      await print([present === "" ? "This room has no topic." : `Topic: ${sanitizeLine(present)}`]);
    },
  },
  invite: {
    arguments: "NAME",
    summary: "Invite a user to this room",
    takesName: true,
    run: ({ client }, input) => aboutMember(input, "/invite NAME", (room, user) => client.rooms.invite(room, user)),
  },
  remove: {
    arguments: "NAME",
    summary: "Remove a member from this room, or withdraw an invitation",
    takesName: true,
    run: ({ client }, input) => aboutMember(input, "/remove NAME", (room, user) => client.rooms.remove(room, user)),
  },
  ban: {
    arguments: "NAME",
    summary: "Remove a member from this room, and keep them from joining",
    takesName: true,
    run: ({ client }, input) =>
      aboutMember(input, "/ban NAME", (room, user) => client.rooms.remove(room, user, { ban: true })),
  },
  unban: {
    arguments: "NAME",
    summary: "Let a banned user join this room again",
    takesName: true,
    run: ({ client }, input) => aboutMember(input, "/unban NAME", (room, user) => client.rooms.unban(room, user)),
  },
  role: {
    arguments: "NAME owner|moderator|member",
    summary: "Change the role of a member of this room",
    takesName: true,
    async run({ client }, input) {
      const form = "/role NAME owner|moderator|member";
      const [user, word, ...rest] = input.words;
      const role = roles.find((each) => each === word);
      if (role === undefined || rest.length > 0) throw usage(form);
      await client.rooms.setRole(placeRoom(input, form), user, role);
    },
  },
  room: {
    arguments: "[public|private, history on|off, mentions WHO, name NAME]",
    summary: "Change a setting of this room, such as who may use @room: members, moderators or owners",
    async run({ client, print }, input) {
      const form = "/room public|private, /room history on|off, /room mentions members|moderators|owners, " +
        "or /room name NAME";
      if (input.words.length === 0) return await print(settingLines(await client.conversation(placeRoom(input, form))));
      await client.rooms.update(placeRoom(input, form), roomChange(input.words, form));
    },
  },
};

/** Joins a room; by the name of no public one, the room of this name that the person is invited to. */
async function join({ client, rooms }: CommandContext, address: string): Promise<Room> {
  try {
    return await client.rooms.join(address);
  } catch (error) {
    if (!(error instanceof ChatError) || error.code !== "not_found" || isRoomId(address)) throw error;
    const invitation = await rooms.invitation(address);
    if (invitation === undefined) throw error;
    return await client.rooms.join(invitation);
  }
}

function isCreateFlag(word: string): boolean {
  return word === "private" || word === "history";
}

function roomChange(
  words: readonly string[],
  form: string,
): { name?: string; public?: boolean; historyVisible?: boolean; mentionAll?: MemberRole } {
  const [setting, value, ...rest] = words;
  if (rest.length === 0) {
    if ((setting === "public" || setting === "private") && value === undefined) return { public: setting === "public" };
    if (setting === "history" && (value === "on" || value === "off")) return { historyVisible: value === "on" };
    const mentionAll = parseMentioners(value);
    if (setting === "mentions" && mentionAll !== undefined) return { mentionAll };
    if (setting === "name" && value !== undefined) return { name: value };
  }
  throw usage(form);
}

/** The settings of a room, for its members. */
function settingLines({ room }: Conversation): string[] {
  if (room === undefined) throw new ChatError("internal", "The server answered without the room.");
  const { name, topic, public: isPublic, historyVisible, mentionAll } = room;
  return [
    `#${sanitizeLine(name)}: ${describeAccess({ isPublic, historyVisible })}`,
    describeMentionAll(fromWireMentionAll(mentionAll)),
    ...(topic === "" ? [] : [`Topic: ${sanitizeLine(topic)}`]),
  ];
}

async function aboutMember(
  input: CommandInput,
  form: string,
  act: (room: string, user: string) => Promise<void>,
): Promise<void> {
  const user = only(input.words, form);
  await act(placeRoom(input, form), user);
}

/** The named room, or else the one that the command was typed in. @throws {ChatError} */
async function roomOf({ rooms }: CommandContext, input: CommandInput, form: string): Promise<string> {
  return input.words.length > 0 ? await rooms.resolve(only(input.words, form)) : placeRoom(input, form);
}

/** The room that a command was typed in. @throws {ChatError} when it was typed in no room */
function placeRoom(input: CommandInput, form: string): string {
  const { address } = placeOf(input);
  if (isRoomId(address)) return address;
  throw new ChatError("invalid_argument", `This conversation is not a room. Usage: ${form}`);
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
    const named = members.filter((member) => member.role === role);
    if (named.length === 0) return [];
    return [
      `${title}: ${named.map(({ user, online }) => `${sanitizeLine(user)}${online ? "" : " (offline)"}`).join(", ")}`,
    ];
  });
  const known = members.map(({ user, ...profile }) => ({ name: user, ...profile }));
  return [...lines, ...(more ? ["and more"] : []), ...profileLines(known)];
}
