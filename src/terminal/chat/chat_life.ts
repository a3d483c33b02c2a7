import type { ClientEvent } from "../../client/chat_client.ts";
import type { ChatError } from "../../core/chat_error.ts";
import { conversationAddress } from "../../core/messages/message.ts";
import type { Conversation } from "../../gen/chatd/v1/chat.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import type { Jump } from "../commands/command.ts";
import type { Destination } from "../commands/command_table.ts";
import type { Alerts } from "./person/alerts.ts";
import { Arrivals } from "./arrivals.ts";
import type { ChatFace } from "./chat_face.ts";
import type { ChatState } from "./chat_state.ts";
import { ConnectionLife, isUnavailable } from "./connection_life.ts";
import { ConversationDirectory } from "./conversations/conversation_directory.ts";
import { ConversationRefresh } from "./conversations/conversation_refresh.ts";
import type { ConversationRef } from "./conversations/conversation_ref.ts";
import type { ListLoading } from "./conversations/room_addresses.ts";
import { ConversationSwitch } from "./conversations/conversation_switch.ts";
import { resultName } from "./conversations/found_messages.ts";
import { Jumps } from "./conversations/jumps.ts";
import { SendingNotices } from "./sending/sending_notices.ts";

export interface ChatLifeOptions {
  readonly state: ChatState;
  readonly face: ChatFace;
  readonly alerts: Alerts;
  /** The address to write to first; else the newest conversation, else `lastRecipient`. */
  readonly to: string | undefined;
  readonly lastRecipient: string | undefined;
  /** There never was a connection. */
  failed(reason: ChatError): void;
  /** Runs work, and warns of its {@link ChatError}. */
  attempt(work: () => Promise<void>): Promise<void>;
}

/** Follows the events of the client, updates the state of the chat, and shows it on the face. */
export class ChatLife {
  readonly directory: ConversationDirectory;
  readonly switch: ConversationSwitch;
  readonly jumps: Jumps;
  readonly notices: SendingNotices;
  readonly #options: ChatLifeOptions;
  readonly #connection: ConnectionLife;
  readonly #refresh: ConversationRefresh;
  readonly #arrivals: Arrivals;
  /** Position of the first start: later messages are shown as they come. */
  #deliveredAfter: number | undefined;

  constructor(options: ChatLifeOptions) {
    const { state, face, alerts, failed, attempt } = options;
    this.#options = options;
    this.notices = new SendingNotices(face);
    this.directory = new ConversationDirectory({ state, face });
    this.switch = new ConversationSwitch({ state, face, directory: this.directory });
    this.#refresh = new ConversationRefresh({
      client: state.client,
      me: state.me,
      learn: (conversation) => this.directory.learn(conversation),
      gone: (conversation) => this.directory.remove(conversation),
    });
    this.#arrivals = new Arrivals({ state, face, alerts, refresh: (conversation) => this.#refresh.one(conversation) });
    this.#connection = new ConnectionLife({
      face,
      start: (hello) => this.#start(hello),
      catchUp: (how) => this.#catchUp(how),
      restored: () => this.#forgetLog(),
      disconnected: () => state.presence.disconnected(),
      failed,
      attempt,
    });
    this.jumps = new Jumps({ state, face, switch: this.switch, ready: this.ready });
  }

  /** The list of conversations on its way. */
  get loading(): ListLoading {
    return this.#refresh;
  }

  /** Resolves when the chat has started, could not be started, or has ended. */
  get ready(): Promise<void> {
    return this.#connection.ready;
  }

  /** Resolves, for a message, when the face has shown it. */
  async onEvent(event: ClientEvent): Promise<void> {
    const { state, face, attempt } = this.#options;
    if (event.kind === "message" || event.kind === "accepted") await this.#arrivals.take(event.message);
    else if (event.kind === "state") this.#connection.changed(event.state);
    else if (event.kind === "state_changed") this.#refreshOne(event.conversation);
    else if (event.kind === "state_missed") await attempt(() => this.#refresh.all());
    else if (event.kind === "typing") state.typing.heard(event);
    else if (event.kind === "presence") this.#presence(event);
    else if (event.kind === "postponed") this.notices.postponed(event.reason);
    else if (event.kind === "delivery_changed") this.notices.deliveryChanged(event.change);
    else state.receipts.heard(event);
    face.update();
  }

  /** Opens the conversation to write to first, if it was given: nothing that is entered need wait for the server. */
  openFirst(): void {
    const { to } = this.#options;
    if (to !== undefined) this.switch.open(this.switch.placeOf(to));
  }

  /** Goes to the conversation that a command names, or to a part of one, at once; undefined without a conversation. */
  enter(destination: Destination | Jump): ConversationRef | undefined {
    if (destination.kind === "conversation") return this.#enterConversation(destination);
    const { state, attempt } = this.#options;
    if (destination.kind === "result") {
      this.#enterResult(destination.number);
      return state.current;
    }
    const { address, target } = destination;
    const place = address === undefined ? state.current : this.switch.placeOf(address);
    if (place === undefined) return undefined;
    if (state.list.get(place.conversation)?.invitedBy !== undefined) {
      this.directory.tellInvitation(place.conversation);
    } else void attempt(() => this.jumps.to(place, target));
    return place;
  }

  #enterResult(number: number): void {
    const { state: { found, me }, face, attempt } = this.#options;
    const message = found.get(number);
    if (message === undefined) {
      const shown = found.count === 0
        ? "No search results are shown. Find messages with /search WORDS."
        : found.count === 1
        ? `The last search has one result, ${resultName(1)}.`
        : `The last search has the results ${resultName(1)} to ${resultName(found.count)}.`;
      return face.warn(`There is no result ${resultName(number)}. ${shown}`);
    }
    const { conversation, seq } = message;
    const place = { conversation, address: conversationAddress(conversation, me) };
    void attempt(() => this.jumps.to(place, { seq }));
  }

  #enterConversation({ address, opened }: Destination): ConversationRef {
    const { state, attempt } = this.#options;
    const place = opened === "created"
      ? state.roomNames.place(address)
      : opened === "joined"
      ? this.switch.placeToJoin(address)
      : this.switch.placeOf(address);
    if (opened !== undefined) {
      state.roomNames.reserve(place);
      this.switch.open(place);
    } else if (state.list.get(place.conversation)?.invitedBy !== undefined) {
      this.directory.tellInvitation(place.conversation);
    } else if (this.#connection.isStarted || state.client.state.kind === "online") {
      void attempt(() => this.switch.turnTo(place));
      // The start loads it.
    } else this.switch.open(place);
    return place;
  }

  /** The server told which room a name means. */
  resolved(name: ConversationRef, room: ConversationRef, known: Conversation | undefined): void {
    if (known !== undefined) this.directory.learn(known);
    this.switch.resolved(name, room);
  }

  close(): void {
    this.#refresh.close();
  }

  /** Loads the conversations, chooses one, and shows the messages that came meanwhile. */
  async #start({ cursor, head }: HelloResponse): Promise<void> {
    const deliveredAfter = this.#deliveredAfter ??= cursor;
    this.#arrivals.missedThrough = head > deliveredAfter ? head : 0;
    try {
      await this.#chooseFirst(deliveredAfter);
    } catch (error) {
      // Messages wait on, for the start over the next connection.
      if (!isUnavailable(error)) await this.#arrivals.started();
      throw error;
    }
    await this.#arrivals.started();
  }

  async #chooseFirst(deliveredAfter: number): Promise<void> {
    const { state, face, lastRecipient } = this.#options;
    await this.#refresh.all();
    const newest = state.list.all.find(({ invitedBy }) => invitedBy === undefined);
    const address = newest?.address ?? lastRecipient;
    const place = state.current ?? (address === undefined ? undefined : this.switch.placeOf(address));
    if (place === undefined) {
      face.note("No conversation yet. Choose one with /to NAME; /users and /rooms list users and public rooms.");
      // The command loads it, which waits for the start.
    } else if (!state.roomNames.isReserved(place)) await this.switch.turnTo(place, { deliveredAfter });
    face.showUnread();
  }

  async #catchUp({ restored }: { restored: boolean }): Promise<void> {
    const { state, face } = this.#options;
    state.readMarks.connected();
    state.replyTargets.connected();
    await this.#refresh.all();
    const isMissing = restored || !this.switch.isLoaded;
    if (state.current && isMissing) await this.switch.turnTo(state.current);
    else await face.catchUp();
  }

  #forgetLog(): void {
    const { state, face } = this.#options;
    state.forgetPositions();
    this.#refresh.forget();
    this.jumps.forget();
    face.forget();
    this.#deliveredAfter = undefined;
    this.#arrivals.forget();
  }

  #refreshOne(conversation: string | undefined): void {
    if (conversation !== undefined) void this.#refresh.one(conversation);
  }

  #presence({ user, state: presence }: Extract<ClientEvent, { kind: "presence" }>): void {
    const { state, face } = this.#options;
    state.names.addPerson(user);
    if (state.presence.heard(user, presence) && user !== state.me) face.showPresence(user, presence !== "offline");
  }
}
