import type { ChatClient } from "../../client/chat_client.ts";
import { isRoomId } from "../../core/rooms/room.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { countOf } from "../text/count_of.ts";
import { profileLines } from "../text/profile_text.ts";
import { type ListUsersResponse, PresenceState, Role, type User } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { indexProgress, isIndexBehind } from "../text/index_progress.ts";
import {
  type CommandContext,
  type CommandInput,
  type Commands,
  only,
  parsed,
  parseNumber,
  placeOf,
  usage,
} from "./command.ts";
import { isDateLike, parseDate } from "./log_places.ts";

/** Messages to show at most. */
const maxMessages = 200;
/** Messages from a day on to show. */
const pageSize = 20;
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
      if (name === undefined) throw usage("/msg NAME TEXT or /msg #ROOM TEXT. /to goes there without a message");
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
    arguments: "[NAME] [N or DATE]",
    summary: "Show the last N messages of a conversation (default 20), or those from a day on, such as 2026-01-31",
    takesName: true,
    takesDay: true,
    jump: ([word, ...rest]) => {
      if (rest.length > 0 || word === undefined || !isDateLike(word)) return undefined;
      const fromMs = parsed(() => parseDate(word));
      return fromMs === undefined ? undefined : { kind: "log", target: { fromMs } };
    },
    run: showHistory,
  },
  sent: {
    arguments: "[N]",
    summary: "Show the last N messages that you sent (default 20); /jump r1 goes to one",
    async run({ client, showResults }, { words }) {
      const [limit, ...rest] = words;
      if (rest.length > 0) throw usage("/sent [N]");
      const { messages } = await client.sent({ limit: parseNumber(limit ?? "20", "/sent [N]", maxMessages) });
      await showResults(messages.flatMap((message) => fromWireMessage(message) ?? []));
    },
  },
  search: {
    arguments: "WORDS",
    summary:
      'Find messages, and /jump r1 goes to one; also "a phrase", -not, from:NAME, in:NAME, before:DATE, after:DATE, ' +
      "has:file, mentions:me, is:unread",
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

async function search({ client, rooms, showResults, print }: CommandContext, text: string): Promise<void> {
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
  } else await print([`Found${more ? " (for earlier matches, add before:DATE)" : ""}; /jump r1 goes to the first:`]);
  await showResults(messages.flatMap((message) => fromWireMessage(message) ?? []).reverse());
  if (isIndexBehind(page, messages.length)) {
    await print([`(${indexProgress(page)})`]);
  }
}

async function showHistory(
  { client, rooms, show, print }: CommandContext,
  input: CommandInput,
): Promise<void> {
  const { words, place } = input;
  const form = "/history [NAME] [N or DATE]";
  // A name may be all digits: within a conversation, a single number is a count.
  const isCount = words.length === 1 && /^\d+$/.test(words[0]) && place !== undefined;
  const isDate = words.length === 1 && isDateLike(words[0]);
  const [name, from, ...rest] = isCount || isDate ? [undefined, ...words] : words;
  if (rest.length > 0) throw usage(form);
  const fromMs = from !== undefined && isDateLike(from) ? parseDate(from) : undefined;
  // The conversation, perhaps a room that is not found yet, went there when the command was entered.
  if (isDate && place !== undefined) return;
  const other = name === undefined ? placeOf(input).address : await rooms.resolve(name);
  const { messages, more, moreAfter, startSeq, headSeq } = await client.history({
    with: other,
    limit: fromMs === undefined ? parseNumber(from ?? "20", form, maxMessages) : pageSize,
    events: true,
    ...(fromMs !== undefined && { fromMs }),
  });
  if (messages.length === 0) {
    if (fromMs !== undefined && headSeq > 0) return await print([`There are no messages since ${from}.`]);
    return await print([headSeq > 0 ? "These messages are no longer kept." : "No messages yet."]);
  }
  // The person may have joined the room later.
  if (!more && startSeq > 1) {
    await print([isRoomId(other) ? "(You cannot see earlier messages.)" : "(Earlier messages are not kept.)"]);
  }
  if (more) await print(["(There are earlier messages.)"]);
  await show(messages.flatMap((message) => fromWireMessage(message) ?? []));
  if (moreAfter && fromMs !== undefined) await print([`(There are later messages: /jump ${name} ${from})`]);
}
