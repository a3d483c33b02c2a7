import type { ChatClient } from "../../client/chat_client.ts";
import type { Message } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import { type Message as WireMessage, Role, type Room, type User } from "../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { fromWirePresence } from "../../wire/notices.ts";
import { indexProgress, isIndexBehind } from "../../terminal/text/index_progress.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection, type ScriptConnection } from "../script/connection.ts";
import { allConversations, ownConversations } from "../script/conversations.ts";
import { type MessageFormat, messageFormat } from "../script/message_format.ts";
import { jsonLine, Output, printNotice, withoutEmptyEnd } from "../script/output.ts";
import { RoomNames } from "../script/room_names.ts";
import { withClient } from "../script/request_client.ts";

/** Options of all commands that list something. */
export interface ListOptions {
  readonly connection: ConnectionChoice;
  /** Prints one JSON object per line. */
  readonly json: boolean;
  /** How long the command may take, with retries, in milliseconds; one attempt unless given. */
  readonly timeoutMs?: number;
}

export interface HistoryCommandOptions extends ListOptions {
  readonly with: string;
  readonly limit: number;
  /** Only entries with a lower seq. */
  readonly before?: number;
  readonly events: boolean;
}

export interface SearchCommandOptions extends ListOptions {
  readonly words: readonly string[];
  readonly limit: number;
}

export interface RoomsCommandOptions extends ListOptions {
  /** Text in the name or topic. */
  readonly query?: string;
  /** Lists the user's own rooms instead of public ones. */
  readonly mine: boolean;
  /** Lists rooms that the user is invited to, with the inviter, instead of public ones. */
  readonly invited: boolean;
}

const historyPage = 200;
const searchPage = 50;

/** Prints the newest entries of a conversation, oldest first. */
export async function runHistory(options: HistoryCommandOptions): Promise<number> {
  return await list(options, async (client, { user }, print) => {
    const pages: WireMessage[][] = [];
    let left = options.limit;
    for (let beforeSeq = options.before ?? 0, more = true; more && left > 0;) {
      const limit = Math.min(left, historyPage);
      const page = await client.history({ with: options.with, beforeSeq, limit, events: options.events });
      pages.unshift(page.messages);
      left -= page.messages.length;
      more = page.more && page.firstSeq > 1;
      beforeSeq = page.firstSeq;
    }
    const format = await messageFormat({ json: options.json, user });
    await printMessages(pages.flat(), { format, print, names: roomNames(client) });
  });
}

/** Prints messages that match the query, newest first; on stderr, how far the index is while it is behind. */
export async function runSearch(options: SearchCommandOptions): Promise<number> {
  return await list(options, async (client, { user }, print) => {
    const format = await messageFormat({ json: options.json, user });
    const query = options.words.join(" ");
    const names = roomNames(client);
    let left = options.limit;
    for (let beforePosition = 0, more = true; more && left > 0;) {
      const page = await client.search(query, { beforePosition, limit: Math.min(left, searchPage) });
      if (!await printMessages(page.messages, { format, print, names })) return;
      left -= page.messages.length;
      more = page.more && page.nextBeforePosition > 0;
      beforePosition = page.nextBeforePosition;
      const isLast = !more || left <= 0;
      if (isLast && isIndexBehind(page, options.limit - left)) printNotice(indexProgress(page));
    }
  });
}

/** Prints all users, by name. */
export async function runUsers(options: ListOptions): Promise<number> {
  const format = await userFormat(options);
  return await list(options, async (client, _connection, print) => {
    for (let after = "", more = true; more;) {
      const page = await client.listUsers({ after });
      for (const user of page.users) {
        if (!await print(format(user))) return;
      }
      more = page.more && page.users.length > 0;
      after = page.users.at(-1)?.name ?? "";
    }
  });
}

/** Prints public rooms by name, the user's own rooms by their newest entry, or the user's invitations. */
export async function runRooms(options: RoomsCommandOptions): Promise<number> {
  const format = await roomFormat(options);
  return await list(options, async (client, _connection, print) => {
    const query = options.query?.replace(/^#/, "").toLowerCase() ?? "";
    for await (const listed of chosenRooms(client, query, options)) if (!await print(format(listed))) return;
  });
}

async function userFormat({ json }: ListOptions): Promise<(user: User) => string> {
  if (!json) {
    return (user) =>
      [user.name, fromWirePresence(user), ...withoutEmptyEnd([user.displayName, user.status])]
        .map(sanitizeLine).join("\t");
  }
  const { userRecord } = await import("../script/json_records.ts");
  return (user) => jsonLine(userRecord(user));
}

/** Returns the line that stands for a room. */
export async function roomFormat({ json }: Pick<ListOptions, "json">): Promise<(listed: ListedRoom) => string> {
  if (json) {
    const { roomRecord } = await import("../script/json_records.ts");
    return ({ room, invitedBy }) => jsonLine(roomRecord(room, { invitedBy }));
  }
  return ({ room, invitedBy }) => {
    const inviter = invitedBy === undefined ? [] : [invitedBy];
    const columns = [room.public ? `#${room.name}` : room.id, `#${room.name}`, `${room.members}`, room.topic];
    return [...columns, ...inviter].map(sanitizeLine).join("\t");
  };
}

interface ListedRoom {
  readonly room: Room;
  /** Set for an invitation. */
  readonly invitedBy?: string;
}

function chosenRooms(
  client: ChatClient,
  query: string,
  { mine, invited }: { mine: boolean; invited: boolean },
): AsyncGenerator<ListedRoom, void> {
  if (invited) return invitations(client, query);
  return mine ? ownRooms(client, query) : publicRooms(client, query);
}

async function* ownRooms(client: ChatClient, query: string): AsyncGenerator<ListedRoom, void> {
  for await (const { room } of ownConversations(client)) {
    if (room !== undefined && hasWords(room, query)) yield { room };
  }
}

async function* invitations(client: ChatClient, query: string): AsyncGenerator<ListedRoom, void> {
  for await (const { room, role, invitedBy } of allConversations(client)) {
    // Invitations come first.
    if (role !== Role.INVITED) return;
    if (room !== undefined && hasWords(room, query)) yield { room, invitedBy };
  }
}

function hasWords({ name, topic }: Room, query: string): boolean {
  return `${name}\n${topic.toLowerCase()}`.includes(query);
}

async function* publicRooms(client: ChatClient, query: string): AsyncGenerator<ListedRoom, void> {
  for (let after = "", more = true; more;) {
    const page = await client.rooms.list({ query, after });
    for (const room of page.rooms) yield { room };
    more = page.more && page.rooms.length > 0;
    after = page.rooms.at(-1)?.name ?? "";
  }
}

/** @returns false if the reader has closed the pipe */
type Print = (line: string) => Promise<boolean>;

async function list(
  options: ListOptions,
  work: (client: ChatClient, connection: ScriptConnection, print: Print) => Promise<void>,
): Promise<number> {
  const connection = await openConnection(options.connection);
  const output = new Output();
  const { timeoutMs } = options;
  await withClient(connection, (client) => work(client, connection, (line) => output.line(line)), { timeoutMs });
  return exitCode.done;
}

async function printMessages(
  messages: readonly WireMessage[],
  { format, print, names }: { format: MessageFormat; print: Print; names: RoomNames },
): Promise<boolean> {
  const known = messages.flatMap((message): readonly Message[] | Message => fromWireMessage(message) ?? []);
  for (const message of known) {
    if (!await print(format(message, await names.of(message)))) return false;
  }
  return true;
}

function roomNames(client: ChatClient): RoomNames {
  return new RoomNames((address) => client.conversation(address));
}
