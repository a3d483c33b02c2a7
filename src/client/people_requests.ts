import { ChatError } from "../core/chat_error.ts";
import type { Settings } from "../core/people/settings_store.ts";
import type { ListReadersResponse } from "../gen/chatd/v1/chat.ts";
import type { Settings as WireSettings } from "../gen/chatd/v1/settings.ts";
import { fromWireSettings, toSettingsChange } from "../wire/settings.ts";
import type { ReplyValue, RequestKind } from "./live_session.ts";
import type { AnsweredRequest } from "./room_requests.ts";

export interface PeopleRequestsOptions {
  /** Asks once; resolves with the value of the reply. */
  request(kind: RequestKind): Promise<unknown>;
  /** Asks until there is an answer; for what may be done twice. */
  repeat(kind: RequestKind): Promise<unknown>;
}

/** What a client tells of its user beside messages, and how much of it others see. They throw `ChatError`. */
export class PeopleRequests {
  readonly #options: PeopleRequestsOptions;
  #away = false;

  constructor(options: PeopleRequestsOptions) {
    this.#options = options;
  }

  /** The user has seen everything up to `seq`. */
  async read(address: string, seq: number): Promise<void> {
    await this.#repeat({ $case: "read", value: { with: address, seq } });
  }

  /** Who has read an entry, of those who say so. */
  readers(address: string, seq: number): Promise<ListReadersResponse> {
    return this.#request({ $case: "listReaders", value: { with: address, seq } });
  }

  /** The user is writing, to be said again every 4 seconds; or not any more. */
  async typing(address: string, { stopped = false } = {}): Promise<void> {
    await this.#request({ $case: "typing", value: { to: address, stopped } });
  }

  /** The user is not at the keyboard, or is back; also in the sessions that come after this one. */
  async setAway(away: boolean): Promise<void> {
    this.#away = away;
    await this.#request({ $case: "setAway", value: { away } });
  }

  /** With whom the user blocks, by name. */
  async settings(): Promise<{ settings: Settings; blocked: string[] }> {
    const { settings, blocked } = await this.#request({ $case: "getSettings", value: {} });
    return { settings: requireSettings(settings), blocked };
  }

  /** Changes what is given. @returns all of them. */
  async updateSettings(change: Partial<Settings>): Promise<Settings> {
    return requireSettings((await this.#repeat({ $case: "updateSettings", value: toSettingsChange(change) })).settings);
  }

  /** Nothing of `user` comes from now on; they are not told. */
  async block(user: string): Promise<void> {
    await this.#repeat({ $case: "blockUser", value: { user, unblock: false } });
  }

  /** What came meanwhile stays hidden. */
  async unblock(user: string): Promise<void> {
    await this.#repeat({ $case: "blockUser", value: { user, unblock: true } });
  }

  /** There is a new session, which has to be told what the last one was. */
  sessionOpened(): void {
    // Lossy: the next session says it again.
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
