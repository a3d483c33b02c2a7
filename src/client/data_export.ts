import { ChatError } from "../core/chat_error.ts";
import { pause } from "../core/pause.ts";
import { Device } from "../gen/chatd/v1/auth.ts";
import { Conversation, type Message } from "../gen/chatd/v1/chat.ts";
import { GetSettingsResponse } from "../gen/chatd/v1/settings.ts";
import { jsonObject } from "../wire/json_messages.ts";
import { toWireSettings } from "../wire/settings.ts";
import type { ChatClient } from "./chat_client.ts";
import type { FileSink } from "./file_transfer.ts";
import { isTransient } from "./server_error.ts";

/** The destination of an export. It may have parts from an interrupted run, which are not exported again. */
export interface ExportTarget {
  /** Returns the seq of the newest stored entry of a conversation; 0 for none. */
  newestSeq(conversation: Conversation): Promise<number>;
  /** Appends entries, by seq. Resolves when they are stored. */
  addEntries(conversation: Conversation, entries: readonly Message[]): Promise<void>;
  /** Stores the file that `receive` writes under its SHA-256 in hexadecimal, unless it is stored already. */
  addFile(sha256: string, receive: (sink: FileSink) => Promise<void>): Promise<void>;
  /** Stores a JSON value under this name, in place of that of an earlier run. */
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
  /** Time after which the export fails without a server, in milliseconds. Default: five minutes. */
  readonly patienceMs?: number;
  /** Called after each conversation, with its number of new entries. */
  onConversation(conversation: Conversation, added: number): void;
  /** Called for a message whose file the server has lost, or has damaged. */
  onMissingFile(message: Message, reason: ChatError): void;
}

export interface Exported {
  readonly conversations: number;
  /** Entries that this run added. */
  readonly entries: number;
  /** Files that the server has lost, found by this run. */
  readonly missingFiles: number;
}

const pageEntries = 200;
const pageConversations = 100;
/** Wait between two attempts when the server names none, in milliseconds. */
const retryMs = 1_000;

/**
 * Exports all data of a user by the requests of ordinary clients: the account, the conversations and their logs. Repeats
 * requests after transient refusals.
 * @throws {ChatError} an error that is not transient
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
    // A conversation that moves to the top meanwhile would be missed: the list is read until it has nothing new.
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
      // The message was deleted meanwhile, or the file is damaged.
      if (!(error instanceof ChatError) || (error.code !== "not_found" && error.code !== "internal")) throw error;
      missingFiles++;
      onMissingFile(message, error);
    }
  };

  const exportLog = async (conversation: Conversation): Promise<number> => {
    const page = { with: conversation.address, limit: pageEntries, events: true };
    let added = 0;
    for (let afterSeq = await target.newestSeq(conversation), more = true; more;) {
      // A time before all entries begins with the oldest.
      const from = afterSeq === 0 ? { fromMs: 1 } : { afterSeq };
      const { messages, lastSeq, moreAfter } = await ask(() => source.history({ ...page, ...from }));
      // Files come first: an interrupted run resumes after the last stored entry.
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
  await target.put("profile", {
    user: profile.user,
    devices: devices.map((device) => jsonObject("chatd.v1.Device", Device.encode(device).finish())),
  });
  const { settings, blocked } = await ask(() => source.people.settings());
  const response = { settings: toWireSettings(settings), blocked };
  await target.put(
    "settings",
    jsonObject("chatd.v1.GetSettingsResponse", GetSettingsResponse.encode(response).finish()),
  );
  const conversations = await listConversations();
  let entries = 0;
  for (const conversation of conversations) {
    const added = conversation.headSeq === 0 ? 0 : await exportLog(conversation);
    entries += added;
    onConversation(conversation, added);
  }
  await target.put(
    "conversations",
    conversations.map((each) => jsonObject("chatd.v1.Conversation", Conversation.encode(each).finish())),
  );
  return { conversations: conversations.length, entries, missingFiles };
}
