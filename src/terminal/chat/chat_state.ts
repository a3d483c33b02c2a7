import type { ChatClient } from "../../client/chat_client.ts";
import { systemTimers, type Timers } from "../../client/timers.ts";
import type { Message } from "../../core/messages/message.ts";
import { sanitizeLine } from "../../core/sanitize.ts";
import type { MessageDetails } from "../text/message_details.ts";
import { Attention } from "./person/attention.ts";
import { Away } from "./person/away.ts";
import { ConversationList } from "./conversations/conversation_list.ts";
import { FoundMessages } from "./conversations/found_messages.ts";
import { ConversationNames } from "./conversations/conversation_names.ts";
import type { ConversationRef } from "./conversations/conversation_ref.ts";
import { OwnMessages } from "./sending/own_messages.ts";
import { Preferences, type PreferenceStore } from "./person/preferences.ts";
import { Presence } from "./person/presence.ts";
import { ReadMarks } from "./person/read_marks.ts";
import { Reading } from "./conversations/reading.ts";
import { ReplyTargets } from "./reply_targets.ts";
import { ReceiptMarks } from "./sending/receipt_marks.ts";
import { type ListLoading, RoomAddresses } from "./conversations/room_addresses.ts";
import { isRoomName, RoomNames, type RoomNamesOptions } from "./conversations/room_names.ts";
import { Sending, type SendingOptions } from "./sending/sending.ts";
import { Transfers, type TransfersOptions } from "./transfers.ts";
import { TypingSigns } from "./typing_signs.ts";

export interface ChatStateOptions {
  readonly me: string;
  readonly client: ChatClient;
  readonly preferences: PreferenceStore;
  readonly resolved: RoomNamesOptions["resolved"];
  loading(): ListLoading;
  readonly sending: Omit<SendingOptions, "client" | "resolve">;
  readonly transfers: TransfersOptions;
  /** Something that the face draws changed by itself. */
  changed(): void;
  readonly timers?: Timers;
}

/** The state of a chat. The chat changes it; its face only reads it. */
export class ChatState implements MessageDetails {
  readonly me: string;
  readonly client: ChatClient;
  readonly preferences: Preferences;
  readonly names: ConversationNames;
  /** The person's conversations, and how much is unread in them. */
  readonly list: ConversationList;
  readonly presence = new Presence();
  readonly receipts: ReceiptMarks;
  readonly replyTargets: ReplyTargets;
  readonly readMarks: ReadMarks;
  readonly attention: Attention;
  readonly away: Away;
  readonly reading: Reading;
  readonly typing: TypingSigns;
  readonly rooms: RoomAddresses;
  readonly roomNames: RoomNames;
  readonly ownMessages: OwnMessages;
  readonly found = new FoundMessages();
  readonly sending: Sending;
  readonly transfers: Transfers;
  /** The conversation that the person writes to, from the key on that chose it. */
  current: ConversationRef | undefined;
  /** The one before it. */
  previous: ConversationRef | undefined;
  /** Whether the page of the current conversation is on its way. */
  isLoading = false;

  constructor(options: ChatStateOptions) {
    const { me, client, preferences, resolved, loading, sending, transfers, changed, timers = systemTimers } = options;
    this.me = me;
    this.client = client;
    this.preferences = new Preferences(preferences, timers);
    this.names = new ConversationNames(me);
    this.list = new ConversationList({ me, level: (conversation) => this.preferences.level(conversation) });
    this.receipts = new ReceiptMarks({ me });
    this.replyTargets = new ReplyTargets({ me, client, changed, timers });
    this.readMarks = new ReadMarks(client, timers);
    this.reading = new Reading({ onRead: (place, seq) => this.#read(place, seq) });
    this.away = new Away({ people: client.people, timers, onChanged: changed });
    this.attention = new Attention({
      timers,
      onChanged: (isPresent) => {
        if (isPresent) this.reading.returned();
        this.away.presenceChanged(isPresent);
        changed();
      },
    });
    this.typing = new TypingSigns(client);
    this.rooms = new RoomAddresses({ client, names: this.names, list: this.list, loading });
    this.roomNames = new RoomNames({ me, resolved, find: (name) => this.rooms.find(name) });
    this.ownMessages = new OwnMessages({ me });
    this.sending = new Sending({ client, resolve: (place) => this.roomNames.resolve(place), ...sending });
    this.transfers = new Transfers(transfers);
  }

  /** Lines about messages and files on their way, safe for a terminal. */
  get pending(): string[] {
    return [...this.sending.lines, ...this.transfers.lines];
  }

  /** The name of a conversation, safe for a terminal; with a mark while the server has not told which room it is. */
  label(place: ConversationRef): string {
    if (!isRoomName(place)) return this.names.label(place.conversation);
    return `${sanitizeLine(place.address)} ${this.roomNames.isRefused(place) ? "?" : "…"}`;
  }

  /** The title of a conversation: its label, with the display name of a user, or whether a room is private. */
  title(place: ConversationRef): string {
    if (isRoomName(place)) return this.label(place);
    const title = this.names.title(place.conversation);
    return this.names.room(place.conversation)?.isPublic === false ? `${title} (private)` : title;
  }

  receiptOf(message: Message): string {
    return this.receipts.of(message);
  }

  answeredBy(reply: Message): string {
    return this.replyTargets.of(reply);
  }

  pinnedBy(entry: Message): string {
    return this.replyTargets.pinnedBy(entry);
  }

  get markdown(): boolean {
    return this.preferences.markdown;
  }

  /** A message of any conversation was loaded, or arrived. */
  learn(message: Message): void {
    this.names.learn(message);
    this.replyTargets.learn(message);
    this.ownMessages.learn(message);
  }

  /** The log is another one, in which the positions of before mean nothing. */
  forgetPositions(): void {
    this.list.clear();
    this.receipts.forget();
    this.replyTargets.forget();
    this.ownMessages.forget();
    this.found.forget();
    this.readMarks.forget();
    this.reading.forget();
  }

  /** Ends timers, and saves preferences. @throws {ChatError} when they cannot be saved */
  close(): void {
    this.readMarks.close();
    this.replyTargets.close();
    this.attention.close();
    this.away.close();
    this.preferences.flush();
  }
  #read({ address, conversation }: ConversationRef, seq: number): void {
    this.readMarks.read(address, seq);
    this.list.read(conversation, seq);
  }
}
