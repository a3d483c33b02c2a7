import { ChatError } from "../core/chat_error.ts";
import { pause } from "../core/pause.ts";
import type { Conversation, Message } from "../gen/chatd/v1/chat.ts";
import type { ChatClient } from "./chat_client.ts";
import type { FileSink } from "./file_transfer.ts";
import { isTransient } from "./server_error.ts";

/** Where what is exported goes. An earlier run may have been interrupted: what it kept is gone on from. */
export interface ExportTarget {
  /** The seq of the newest entry of a conversation that is kept already; 0 for none. */
  newestSeq(conversation: Conversation): Promise<number>;
  /** By seq, after those that are kept already. Resolves when they are. */
  addEntries(conversation: Conversation, entries: readonly Message[]): Promise<void>;
  /** Keeps a file that `receive` writes, under the SHA-256 of its content in hexadecimal, unless it is kept already. */
  addFile(sha256: string, receive: (sink: FileSink) => Promise<void>): Promise<void>;
  /** Replaces what an earlier run kept under this name. */
  put(name: string, value: unknown): Promise<void>;
}

export type ExportSource = Pick<
  ChatClient,
  "files" | "history" | "listConversations" | "listDevices" | "people" | "whoAmI"
>;

export interface DataExportOptions {
  readonly source: ExportSource;
  readonly target: ExportTarget;
  readonly signal: AbortSignal;
  /** How long the server may be away before the export is given up, in milliseconds. Default: five minutes. */
  readonly patienceMs?: number;
  /** A conversation is done, and has so many entries that were not kept before. */
  onConversation(conversation: Conversation, added: number): void;
  /** The server has not the file of a message any more, or not whole. */
  onMissingFile(message: Message, reason: ChatError): void;
}

export interface Exported {
  readonly conversations: number;
  /** Those of this run, as the following. */
  readonly entries: number;
  /** Files that the server has lost. */
  readonly missingFiles: number;
}

const pageEntries = 200;
const pageConversations = 100;
/** Between two tries where the server did not say when, in milliseconds. */
const retryMs = 1_000;

/**
 * Takes everything that a server has of a user and says to them, with the requests that every client has: the account, the
 * conversations, their logs. What the server refuses for now is asked for again when it says so.
 * @throws {ChatError} what cannot be helped by waiting
 */
export async function exportData(options: DataExportOptions): Promise<Exported> {
  const { source, target, signal, patienceMs = 5 * 60_000, onConversation, onMissingFile } = options;
  let missingFiles = 0;

  const ask = async <T>(request: () => Promise<T>): Promise<T> => {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      try {
        return await request();
      } catch (error) {
        if (!(error instanceof ChatError) || !isTransient(error) || performance.now() >= deadline) throw error;
        if (!await pause(Math.max(retryMs, error.retryAfterMs ?? 0), signal)) throw error;
      }
    }
  };

  const listConversations = async (): Promise<Conversation[]> => {
    const found = new Map<string, Conversation>();
    // One that moves to the top while the list is read would be missed: so it is read until nothing new comes.
    for (let known = -1; known < found.size;) {
      known = found.size;
      for (let beforePosition = 0, more = true; more;) {
        const page = await ask(() => source.listConversations({ beforePosition, limit: pageConversations }));
        for (const conversation of page.conversations) found.set(conversation.conversation, conversation);
        const next = page.conversations.at(-1)?.position ?? 0;
        more = page.more && next > 0 && (beforePosition === 0 || next < beforePosition);
        beforePosition = next;
      }
    }
    return [...found.values()];
  };

  const exportFile = async (address: string, message: Message): Promise<void> => {
    if (message.attachment === undefined) return;
    const sha256 = message.attachment.sha256.toHex();
    const file = { with: address, seq: message.seq, attachment: { ...message.attachment, sha256 } };
    try {
      await target.addFile(sha256, (sink) => source.files.download(file, sink, { signal }));
    } catch (error) {
      // Its message was deleted meanwhile, or it is damaged.
      if (!(error instanceof ChatError) || (error.code !== "not_found" && error.code !== "internal")) throw error;
      missingFiles++;
      onMissingFile(message, error);
    }
  };

  const exportLog = async (conversation: Conversation): Promise<number> => {
    const page = { with: conversation.address, limit: pageEntries, events: true };
    let added = 0;
    for (let afterSeq = await target.newestSeq(conversation), more = true; more;) {
      // The time of the first entry there could be begins with the oldest.
      const from = afterSeq === 0 ? { fromMs: 1 } : { afterSeq };
      const { messages, lastSeq, moreAfter } = await ask(() => source.history({ ...page, ...from }));
      // Before the entries: an interrupted run goes on after the last entry that is kept.
      for (const message of messages) await exportFile(conversation.address, message);
      await target.addEntries(conversation, messages);
      added += messages.length;
      more = moreAfter && lastSeq > afterSeq;
      afterSeq = lastSeq;
    }
    return added;
  };

  const profile = await ask(() => source.whoAmI());
  const devices = await ask(() => source.listDevices());
  await target.put("profile", { user: profile.user, devices });
  await target.put("settings", await ask(() => source.people.settings()));
  const conversations = await listConversations();
  let entries = 0;
  for (const conversation of conversations) {
    const added = conversation.headSeq === 0 ? 0 : await exportLog(conversation);
    entries += added;
    onConversation(conversation, added);
  }
  await target.put("conversations", conversations);
  return { conversations: conversations.length, entries, missingFiles };
}
