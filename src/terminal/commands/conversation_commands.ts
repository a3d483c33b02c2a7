import type { ChatClient } from "../../client/chat_client.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { countOf } from "../text/count_of.ts";
import { profileLines } from "../text/profile_text.ts";
import { type ListUsersResponse, PresenceState, Role, type User } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { indexProgress, isIndexBehind } from "../text/index_progress.ts";
import { type CommandContext, type CommandInput, type Commands, only, parseNumber, placeOf, usage } from "./command.ts";

/** Messages to show at most. */
const maxMessages = 200;
/** Users to list at most. */
const maxUsers = 1_000;
const nameAndText = /^\s*(\S+)\s+([^]*\S[^]*)$/;
/** How often to continue a search that found nothing yet. */
const maxSearches = 5;

/** Going to conversations, and reading them. */
export const conversationCommands: Commands = {
  to: {
    arguments: "NAME or #ROOM",
    summary: "Go to a conversation: the next messages are sent there",
    takesName: true,
    destination: ({ words }) => words.length === 1 ? words[0] : undefined,
    run(_context, { words }) {
      only(words, "/to NAME or /to #ROOM");
    },
  },
  msg: {
    arguments: "NAME or #ROOM TEXT",
    summary: "Send a message to a conversation, and go there",
    takesName: true,
    destination: ({ text }) => nameAndText.exec(text)?.[1],
    run(context, { text, typed, place }) {
      const [, name, said] = nameAndText.exec(text) ?? [];
      if (name === undefined) throw usage("/msg NAME TEXT or /msg #ROOM TEXT");
      context.send(place!, { text: said, typed });
    },
  },
  users: {
    arguments: "",
    summary: "List all users, and who is online or away",
    run: listUsers,
  },
  conversations: {
    arguments: "",
    summary: "List your conversations, the newest first, with unread counts",
    run: listConversations,
  },
  history: {
    arguments: "[NAME] [N]",
    summary: "Show the last N messages of a conversation (default 20)",
    takesName: true,
    run: showHistory,
  },
  sent: {
    arguments: "[N]",
    summary: "Show the last N messages that you sent (default 20)",
    async run({ client, show }, { words }) {
      const [limit, ...rest] = words;
      if (rest.length > 0) throw usage("/sent [N]");
      const { messages } = await client.sent({ limit: parseNumber(limit ?? "20", "/sent [N]", maxMessages) });
      await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
    },
  },
  search: {
    arguments: "WORDS",
    summary:
      'Find messages; also "a phrase", -not, from:NAME, in:NAME, before:DATE, after:DATE, has:file, mentions:me, is:unread',
    run: (context, { text }) => search(context, text),
  },
};

async function listConversations({ client, names, print }: CommandContext): Promise<void> {
  const { conversations, more } = await client.listConversations({ limit: 100 });
  for (const { room, address, displayName } of conversations) {
    if (room === undefined) names.addPerson(address, displayName);
    else names.addRoom(room);
  }
  const lines = conversations.map(({ conversation, unread, mentions, role, invitedBy }) => {
    if (role === Role.INVITED) {
      const room = names.label(conversation);
      return `  ${room} (${sanitizeLine(invitedBy)} invited you: /join ${room} or /leave ${room})`;
    }
    const isPrivate = names.room(conversation)?.isPublic === false;
    const marks = [
      isPrivate ? "private" : "",
      unread > 0 ? `${unread} unread` : "",
      mentions > 0 ? countOf(mentions, "mention") : "",
    ]
      .filter(Boolean);
    return `  ${names.title(conversation)}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`;
  });
  await print(lines.length === 0 ? ["You have no conversations yet."] : [...lines, ...(more ? ["  and more"] : [])]);
}

async function listUsers({ client, print }: CommandContext): Promise<void> {
  const { users, more } = await findUsers(client);
  const name = (user: { name: string }) => sanitizeLine(user.name);
  const away = users.filter((user) => user.state === PresenceState.AWAY).map(name);
  const online = users.filter((user) => user.online && user.state !== PresenceState.AWAY).map(name);
  const offline = users.filter((user) => !user.online).map(name);
  await print([
    `Online: ${online.join(", ") || "none"}`,
    ...(away.length > 0 ? [`Away: ${away.join(", ")}`] : []),
    `Offline: ${offline.join(", ") || "none"}${more ? ", and more" : ""}`,
    ...profileLines(users),
  ]);
}

/** Reads the first users by name; pages with long display names are short. */
async function findUsers(client: ChatClient): Promise<ListUsersResponse> {
  const users: User[] = [];
  let more = true;
  while (more && users.length < maxUsers) {
    const page = await client.listUsers({ after: users.at(-1)?.name ?? "", limit: maxUsers - users.length });
    users.push(...page.users);
    more = page.more && page.users.length > 0;
  }
  return { users, more };
}

async function search({ client, rooms, show, print }: CommandContext, text: string): Promise<void> {
  if (text.trim() === "") throw usage("/search WORDS");
  const [, room] = /(?<!\S)in:(#\S+)/i.exec(text) ?? [];
  const query = room === undefined ? text : text.replace(/(?<!\S)in:#\S+/i, `in:${await rooms.resolve(room)}`);
  let page = await client.search(query);
  for (let tries = 1; page.messages.length === 0 && page.more && tries < maxSearches; tries++) {
    page = await client.search(query, { beforePosition: page.nextBeforePosition });
  }
  const { messages, more } = page;
  if (messages.length === 0) {
    await print([more ? "No messages found so far. Narrow your search." : "No messages found."]);
  } else await print([`Found${more ? " (for earlier matches, add before:DATE)" : ""}:`]);
  await show(messages.flatMap((message) => fromWireMessage(message) ?? []).reverse());
  if (isIndexBehind(page, messages.length)) {
    await print([`(${indexProgress(page)})`]);
  }
}

async function showHistory(
  { client, rooms, show, print }: CommandContext,
  input: CommandInput,
): Promise<void> {
  const { words, place } = input;
  const form = "/history [NAME] [N]";
  // A name may be all digits: within a conversation, a single number is a count.
  const [name, count, ...rest] = words.length === 1 && /^\d+$/.test(words[0]) && place
    ? [place.address, ...words]
    : words;
  const other = name === undefined ? placeOf(input).address : await rooms.resolve(name);
  if (rest.length > 0) throw usage(form);
  const { messages, more, startSeq, headSeq } = await client.history({
    with: other,
    limit: parseNumber(count ?? "20", form, maxMessages),
    events: true,
  });
  if (messages.length === 0) {
    return await print([headSeq > 0 ? "These messages are no longer kept." : "No messages yet."]);
  }
  // The person may have joined the room later.
  if (!more && startSeq > 1) {
    await print([isRoomId(other) ? "(You cannot see earlier messages.)" : "(Earlier messages are not kept.)"]);
  }
  if (more) await print(["(There are earlier messages.)"]);
  await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
}
