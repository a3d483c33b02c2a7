import { ChatError } from "../core/chat_error.ts";
import type { Settings } from "../core/people/settings_store.ts";
import type { ListReadersResponse } from "../gen/chatd/v1/chat.ts";
import type { Settings as WireSettings } from "../gen/chatd/v1/settings.ts";
import { fromWireSettings, toSettingsChange } from "../wire/settings.ts";
import type { ReplyValue, RequestKind } from "./live_session.ts";
import type { AnsweredRequest } from "./room_requests.ts";

export interface PeopleRequestsOptions {
  /** Sends a request once; resolves with the value of the reply. */
  request(kind: RequestKind): Promise<unknown>;
  /** Sends an idempotent request until it has a reply. */
  repeat(kind: RequestKind): Promise<unknown>;
}

/** Requests about receipts, typing, presence, settings and blocks. They throw `ChatError`. */
export class PeopleRequests {
  readonly #options: PeopleRequestsOptions;
  #away = false;

  constructor(options: PeopleRequestsOptions) {
    this.#options = options;
  }

  /** Reports that the user has seen everything up to `seq`. */
  async read(address: string, seq: number): Promise<void> {
    await this.#repeat({ $case: "read", value: { with: address, seq } });
  }

  /** Lists the users who have read an entry, except those who send no read receipts. */
  readers(address: string, seq: number): Promise<ListReadersResponse> {
    return this.#request({ $case: "listReaders", value: { with: address, seq } });
  }

  /** Reports that the user is writing, to be repeated every 4 seconds, or has stopped. */
  async typing(address: string, { stopped = false } = {}): Promise<void> {
    await this.#request({ $case: "typing", value: { to: address, stopped } });
  }

  /** Reports that the user is away or back, in this session and all later ones. */
  async setAway(away: boolean): Promise<void> {
    this.#away = away;
    await this.#request({ $case: "setAway", value: { away } });
  }

  /** Returns the settings, and the names of blocked users. */
  async settings(): Promise<{ settings: Settings; blocked: string[] }> {
    const { settings, blocked } = await this.#request({ $case: "getSettings", value: {} });
    return { settings: requireSettings(settings), blocked };
  }

  /** Changes the given settings. @returns all settings */
  async updateSettings(change: Partial<Settings>): Promise<Settings> {
    return requireSettings((await this.#repeat({ $case: "updateSettings", value: toSettingsChange(change) })).settings);
  }

  /** Hides everything from `user` from now on, without telling them. */
  async block(user: string): Promise<void> {
    await this.#repeat({ $case: "blockUser", value: { user, unblock: false } });
  }

  /** Unblocks a user; messages sent during the block stay hidden. */
  async unblock(user: string): Promise<void> {
    await this.#repeat({ $case: "blockUser", value: { user, unblock: true } });
  }

  /** Repeats the state of the last session in a new one. */
  sessionOpened(): void {
    // Lossy: the next session repeats it.
    if (this.#away) this.setAway(true).catch(() => {});
  }

  #request<C extends AnsweredRequest>(kind: RequestKind & { $case: C }): Promise<ReplyValue<C>> {
    return this.#options.request(kind) as Promise<ReplyValue<C>>;
  }

  #repeat<C extends AnsweredRequest>(kind: RequestKind & { $case: C }): Promise<ReplyValue<C>> {
    return this.#options.repeat(kind) as Promise<ReplyValue<C>>;
  }
}

function requireSettings(settings: WireSettings | undefined): Settings {
  if (settings !== undefined) return fromWireSettings(settings);
  throw new ChatError("internal", "The server answered without the settings.");
}
