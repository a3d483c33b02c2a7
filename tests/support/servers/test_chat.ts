import { Accounts, type Credentials, type Identity } from "../../../src/core/accounts/accounts.ts";
import type { AuditLog } from "../../../src/core/audit/audit.ts";
import { Chat } from "../../../src/core/chat.ts";
import type { ChatError } from "../../../src/core/chat_error.ts";
import { type DeletedAccounts, type Limits, standardLimits } from "../../../src/core/limits.ts";
import { silentLog } from "../../../src/core/log.ts";
import type { Message } from "../../../src/core/messages/message.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import type { Draft } from "../../../src/core/messages/posting.ts";
import type { Metrics } from "../../../src/core/metrics.ts";
import type { Subscriber } from "../../../src/core/people/live_sessions.ts";
import type { Notice } from "../../../src/core/people/notice.ts";
import { FakeClock } from "../fakes/fake_clock.ts";
import { FakeHasher } from "../fakes/fake_hasher.ts";
import { allAnswered, answeringLate } from "../fakes/late_store.ts";
import { sendMessage } from "./send_message.ts";
import { type ChatStore, TestStore } from "./test_store.ts";

// Kept, so that fake time does not stop it.
const { setTimeout } = globalThis;

export const password = "correct horse";

export interface TestChatOptions {
  users?: string[];
  /** Closed with the chat. */
  store?: ChatStore;
  rate?: { perSecond: number; burst: number };
  deletedAccounts?: DeletedAccounts;
  audit?: AuditLog;
  metrics?: Metrics;
  /** Milliseconds after which the stores answer: see `makeStoresLate()`. */
  latenessMs?: number;
  /** Where they are other than the standard ones. */
  limits?: Partial<Limits>;
  defer?(callback: () => void): void;
  /** Of a page, in milliseconds. */
  sliceMs?: number;
}

/** The chat on a store in memory, with users that are registered already. Its owner closes it. */
export class TestChat {
  readonly store: ChatStore;
  readonly clock = new FakeClock();
  readonly accounts: Accounts;
  readonly chat: Chat;

  private constructor(options: TestChatOptions) {
    const { store = TestStore.open(), rate = { perSecond: 1_000, burst: 1_000_000 }, defer = setImmediate } = options;
    const audit = options.audit === undefined ? {} : { audit: options.audit };
    const { latenessMs } = options;
    const { clock } = this;
    this.store = store;
    this.accounts = new Accounts({
      store: store.accounts,
      clock,
      hasher: new FakeHasher(),
      log: silentLog,
      registration: "open",
      registrationsPerAddress: { burst: 10_000, perSecond: 1 },
      metrics: options.metrics,
      ...audit,
    });
    this.chat = new Chat({
      accounts: this.accounts,
      files: store.files,
      store: answeringLate(store.messages, latenessMs),
      rooms: answeringLate(store.rooms, latenessMs),
      settings: answeringLate(store.settings, latenessMs),
      search: store.search,
      limits: { ...standardLimits, ...options.limits },
      deletedAccounts: options.deletedAccounts,
      clock,
      log: silentLog,
      noteUse: (device, consumer) => store.deviceCleanup.noteUse(device, consumer, clock.now()),
      defer,
      pages: { rest: setTimeout, sliceMs: options.sliceMs },
      rate,
      metrics: options.metrics,
      ...audit,
    });
  }

  static async open(options: TestChatOptions = {}): Promise<TestChat> {
    const chat = new TestChat(options);
    for (const user of options.users ?? ["ana", "ben", "cleo"]) {
      await chat.accounts.addUser({ name: user, password });
    }
    return chat;
  }

  /** A new device of the user. */
  logIn(user: string): Promise<Credentials> {
    return this.accounts.logIn({ user, password, deviceName: "", deviceId: "", address: "127.0.0.1" });
  }

  async identify(user: string): Promise<Identity> {
    return await this.accounts.authenticate((await this.logIn(user)).token);
  }

  draft(to: string, text = "hello", id = createMessageId(this.clock.now())): Draft {
    return { to, text, id };
  }

  /** Sends a message from nowhere in particular. */
  async send(sender: string, to: string, text = "hello") {
    return await sendMessage(this.chat, sender, this.draft(to, text));
  }

  async close(): Promise<void> {
    await this.chat.close();
    await allAnswered();
    await this.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A subscriber that remembers what it was told. */
export class FakeSubscriber implements Subscriber {
  readonly identity: Identity;
  readonly consumer: string;
  readonly offered: { message: Message; own: boolean }[] = [];
  readonly presence: [user: string, online: boolean][] = [];
  readonly lookedUp: number[] = [];
  readonly notices: Notice[] = [];
  ended: ChatError | undefined;

  constructor(identity: Partial<Identity> & { user: string }, consumer = "ui") {
    this.identity = {
      deviceId: `device of ${identity.user}`,
      deviceName: "",
      tokenExpiresAt: 0,
      ...identity,
    };
    this.consumer = consumer;
  }

  get texts(): string[] {
    return this.offered.map(({ message }) => message.text);
  }

  offer(message: Message, own: boolean): void {
    this.offered.push({ message, own });
  }

  lookUp(position: number): void {
    this.lookedUp.push(position);
  }

  notify(notice: Notice): void {
    this.notices.push(notice);
    if (notice.kind === "presence") this.presence.push([notice.user, notice.state !== "offline"]);
  }

  end(reason: ChatError): void {
    this.ended = reason;
  }
}
