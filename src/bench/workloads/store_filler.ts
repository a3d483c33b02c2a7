import { ChatError } from "../../core/chat_error.ts";
import { directConversation } from "../../core/messages/message.ts";
import { createMessageId } from "../../core/messages/message_id.ts";
import type { Append } from "../../core/messages/message_store.ts";
import { freeBytes } from "../../host/free_bytes.ts";
import { lockFolder } from "../../store/folder_lock.ts";
import { openStore } from "../../store/open_store.ts";
import { Database } from "../../store/sqlite/database.ts";
import { SqliteMessageStore } from "../../store/sqlite/log/sqlite_message_store.ts";
import { SearchIndex } from "../../store/sqlite/search/search_index.ts";
import { makeAccounts } from "../systems/accounts.ts";

/** The file in a filled folder that holds the number of its messages, as JSON. */
const markName = "bench-store.json";
/** Messages in one transaction, enough to make the wait for the disk negligible. */
const batchSize = 10_000;
const pairs = 100;
/** Disk space for a stored and indexed message of 100 bytes, generously. */
const bytesPerMessage = 500;
const spareBytes = 1024 ** 3;
/** The interval between the times of messages, in milliseconds: ten million cover twelve days. */
const apartMs = 100;
const textBytes = 100;

export interface FillOptions {
  readonly messages: number;
  progress(words: string): void;
}

export interface Filled {
  /** Messages in the folder; there may be more. */
  readonly stored: number;
  readonly filledPerSecond?: number;
}

/**
 * Fills a data folder with messages between pairs of users, through the store's own commits, and indexes all of them. A
 * folder that was filled before, or partly, gets the missing messages.
 * @throws {ChatError} `invalid_argument` for a folder with other contents, `storage_full` when the disk has too little
 * space
 */
export async function fillStore(folder: string, { messages, progress }: FillOptions): Promise<Filled> {
  const before = await readMark(folder);
  let filledPerSecond: number | undefined;
  if (before < messages) {
    await requireRoom(folder, messages - before);
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await writeMark(folder, before);
    const startedAt = performance.now();
    await addMessages(folder, before, messages, progress);
    filledPerSecond = Math.round((messages - before) / (performance.now() - startedAt) * 1000);
  }
  await indexAll(folder, progress);
  return { stored: Math.max(before, messages), ...(filledPerSecond !== undefined && { filledPerSecond }) };
}

async function addMessages(
  folder: string,
  before: number,
  messages: number,
  progress: FillOptions["progress"],
): Promise<void> {
  using _lock = lockFolder(folder);
  using store = openStore({ folder });
  const accounts = await makeAccounts(store, 2 * pairs);
  const now = Date.now();
  for (let stored = before; stored < messages;) {
    const count = Math.min(batchSize, messages - stored);
    await store.messages.commit(Array.from({ length: count }, (_, i): Append => {
      const number = stored + i;
      const pair = number % pairs;
      const two = [accounts[2 * pair].name, accounts[2 * pair + 1].name];
      const acceptedAt = now - (messages - number) * apartMs;
      return {
        kind: "append",
        conversation: directConversation(two[0], two[1]),
        members: two,
        id: createMessageId(acceptedAt),
        sender: two[Math.floor(number / pairs) % 2],
        acceptedAt,
        text: words(),
      };
    }));
    stored += count;
    await writeMark(folder, stored);
    progress(`${whole(stored)} of ${whole(messages)} messages`);
    await turn();
  }
}

/** Indexes all messages as a server does, but in longer turns, because no requests wait. */
async function indexAll(folder: string, progress: FillOptions["progress"]): Promise<void> {
  using _lock = lockFolder(folder);
  using database = Database.open(folder);
  const { head } = new SqliteMessageStore(database);
  const index = new SearchIndex(database);
  while (index.takeTurn({ head, turnMs: 1_000, maxEntries: 50_000 })) {
    progress(`${whole(index.position)} of ${whole(head)} messages indexed`);
    await turn();
  }
}

/** Returns to the event loop, for signals. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

function whole(count: number): string {
  return count.toLocaleString("en");
}

/** Returns a text of random words out of several thousand, mostly short ones. */
function words(): string {
  let text = "";
  while (text.length < textBytes) text += `${Math.floor(46_656 ** Math.random()).toString(36)} `;
  return text.slice(0, textBytes);
}

/** Reads the number of messages in a folder; 0 for a new one. */
async function readMark(folder: string): Promise<number> {
  try {
    const { messages } = JSON.parse(await Deno.readTextFile(`${folder}/${markName}`));
    if (Number.isSafeInteger(messages)) return messages;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof SyntaxError)) throw error;
  }
  if (await isEmpty(folder)) return 0;
  throw new ChatError(
    "invalid_argument",
    `The folder "${folder}" has contents that no bench put there: choose another one with --store.`,
  );
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(folder)) return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}

async function writeMark(folder: string, messages: number): Promise<void> {
  await Deno.writeTextFile(`${folder}/${markName}`, JSON.stringify({ messages }));
}

async function requireRoom(folder: string, messages: number): Promise<void> {
  const free = await freeBytes(folder);
  const needed = messages * bytesPerMessage + spareBytes;
  if (free === undefined || free >= needed) return;
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  throw new ChatError(
    "storage_full",
    `${whole(messages)} messages need ${gigabytes(needed)} GB, and the disk of "${folder}" has ` +
      `${gigabytes(free)} GB: name another one with --store or --folder, or fewer messages with --messages.`,
  );
}
