import assert from "node:assert/strict";
import fc from "fast-check";
import type { Change, ChangeResult, MessageBatch } from "../../src/core/messages/message_store.ts";
import type { Message } from "../../src/gen/chatd/v1/chat.ts";
import type { Item } from "../../src/gen/chatd/v1/session.ts";
import { toWireMessage } from "../../src/wire/convert.ts";
import { encodeItem } from "../../src/wire/server_items.ts";
import { openPostgresChatStore } from "../support/databases/postgres_chat_store.ts";
import { storesAnswerLate } from "../support/fakes/late_store.ts";
import { TestChat } from "../support/servers/test_chat.ts";
import { helloWith, TestSession } from "../support/servers/test_session.ts";
import { type OpenedLog, TestMessageStore } from "../support/servers/test_message_store.ts";
import { type OpenChatStore, TestStore } from "../support/servers/test_store.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { turns, until } from "../support/waiting/turns.ts";
import { sendRequest, wireMessage } from "../support/servers/wire_values.ts";

const users = ["ana", "ben", "cleo"];
/** Devices, each with the names of its consumers. */
const devices: [user: string, consumers: string[]][] = [
  ["ana", ["ui", "tail"]],
  ["ana", ["ui"]],
  ["ben", ["ui"]],
  ["cleo", ["ui"]],
];

/** A store that answers later than it reads and writes, like one in another thread. */
class SlowStore extends TestMessageStore {
  readonly #delays: readonly number[];
  #call = 0;

  constructor(log: OpenedLog, delays: readonly number[]) {
    super(log);
    this.#delays = delays;
  }

  override async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    return await this.#later(super.commit(changes));
  }

  override async messagesAfter(...call: Parameters<TestMessageStore["messagesAfter"]>): Promise<MessageBatch> {
    return await this.#later(super.messagesAfter(...call));
  }

  async #later<T>(result: Promise<T>): Promise<T> {
    // A read that is given up rejects while it is held back: the caller hears of it below.
    result.catch(() => {});
    await turns(this.#delays[this.#call++ % this.#delays.length]);
    return await result;
  }
}

interface Draft {
  id: string;
  to: string;
  text: string;
}

/** A client of one consumer, which loses connections, but no message that it has taken. */
class Client {
  readonly user: string;
  /** Messages by position, in the order of their arrival. */
  readonly taken = new Map<number, Message>();
  readonly #test: TestChat;
  readonly #token: string;
  readonly #consumer: string;
  readonly #outbox = new Map<string, Draft>();
  readonly #windowBytes: number;
  #session: TestSession | undefined;
  /** Drafts without a reply in this session, by request id. */
  #asked = new Map<number, Draft>();
  #framesTaken = 0;
  #through = 0;
  #newestTaken = 0;
  #receipt = 0;
  #receiptSent = 0;
  #acknowledged = 0;

  constructor(test: TestChat, options: { user: string; token: string; consumer: string; windowBytes: number }) {
    this.#test = test;
    this.user = options.user;
    this.#token = options.token;
    this.#consumer = options.consumer;
    this.#windowBytes = options.windowBytes;
  }

  /** Whether the server has begun this session: its consumer has its place in the log. */
  get hasBegun(): boolean {
    return this.#session !== undefined && this.#session.frames.length > 0;
  }

  get isIdle(): boolean {
    const session = this.#session;
    return session !== undefined && this.#outbox.size === 0 && this.#framesTaken === session.frames.length;
  }

  hasAll(log: Message[]): boolean {
    return this.isIdle && this.taken.size === this.#ofMine(log).length;
  }

  check(log: Message[]): void {
    const mine = this.#ofMine(log);
    assert.deepEqual([...this.taken.values()].sort((one, other) => one.position - other.position), mine);
    assert.equal(new Set(mine.map(({ id, sender }) => `${sender} ${id}`)).size, mine.length);
    const sent = mine.filter(({ sender }) => sender === this.user).map(({ text }) => text);
    assert.equal(new Set(sent).size, sent.length, "a message was stored twice");
  }

  connect({ resumes }: { resumes: boolean }): void {
    if (this.#session !== undefined) return;
    const session = new TestSession(this.#test, { windowBytes: this.#windowBytes });
    const resume = resumes ? { resumeAfter: this.#through, epoch: this.#test.chat.epoch } : {};
    const value = helloWith(this.#token, { consumer: this.#consumer, ...resume });
    session.request({ $case: "hello", value });
    this.#session = session;
    this.#asked = new Map();
    this.#framesTaken = 0;
    this.#receipt = 0;
    this.#receiptSent = 0;
    this.#acknowledged = 0;
    for (const draft of this.#outbox.values()) this.#ask(draft);
  }

  /** Loses the connection, with frames in flight and unacknowledged ones. */
  disconnect(): void {
    this.#session?.session.disconnected();
    this.#session = undefined;
  }

  send(draft: Draft): void {
    this.#outbox.set(draft.id, draft);
    if (this.#session !== undefined) this.#ask(draft);
  }

  take(count: number): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#checkWindow(session);
    for (const { items, through, receipt } of session.frames.slice(this.#framesTaken, this.#framesTaken + count)) {
      this.#framesTaken++;
      for (const { kind } of items) this.#takeItem(kind!);
      this.#through = Math.max(this.#through, through);
      this.#receipt = receipt;
    }
  }

  get hasReceipt(): boolean {
    return this.#receipt !== this.#receiptSent;
  }

  acknowledge(): void {
    this.#acknowledged = this.#through;
    this.#receiptSent = this.#receipt;
    if (this.#receipt > 0) this.#session?.acknowledge({ receipt: this.#receipt });
  }

  #ofMine(log: Message[]): Message[] {
    return log.filter(({ conversation }) => conversation.split(":").includes(this.user));
  }

  #ask(draft: Draft): void {
    const [id] = this.#session!.request({ $case: "send", value: sendRequest(draft) });
    this.#asked.set(id, draft);
  }

  #takeItem(item: NonNullable<Item["kind"]>): void {
    if (item.$case === "message") return this.#takeMessage(item.value);
    if (item.$case !== "reply") return;
    const { requestId, result } = item.value;
    if (result?.$case === "hello") return;
    assert.equal(result?.$case, "send");
    const draft = this.#asked.get(requestId)!;
    this.#outbox.delete(draft.id);
    const { duplicate: _, ...accepted } = result!.value as Extract<typeof result, { $case: "send" }>["value"];
    const { id, text } = draft;
    this.taken.set(accepted.position, wireMessage({ ...accepted, ordinal: accepted.seq, id, sender: this.user, text }));
  }

  #takeMessage(message: Message): void {
    const { position } = message;
    const known = this.taken.get(position);
    if (known !== undefined) {
      assert.deepEqual(message, known);
      return;
    }
    assert.ok(position > this.#newestTaken, `${position} is new after ${this.#newestTaken}`);
    assert.ok(message.conversation.split(":").includes(this.user));
    this.#newestTaken = position;
    this.taken.set(position, message);
  }

  /** Checks that unacknowledged items fit the window. */
  #checkWindow(session: TestSession): void {
    const bytes = session.messages.filter(({ position }) => position > this.#acknowledged)
      .reduce((sum, value) => sum + encodeItem({ $case: "message", value }).length, 0);
    assert.ok(bytes <= this.#windowBytes, `${bytes} of ${this.#windowBytes} bytes`);
  }
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      client: fc.nat(),
      to: fc.constantFrom(...users),
      size: fc.integer({ min: 1, max: 200 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("take" as const), client: fc.nat(), count: fc.nat({ max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("acknowledge" as const), client: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), client: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("connect" as const), client: fc.nat(), resumes: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), turns: fc.nat({ max: 3 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function openClients(test: TestChat, windows: readonly number[]): Promise<Client[]> {
  const clients: Client[] = [];
  for (const [user, consumers] of devices) {
    const { token } = await test.logIn(user);
    for (const consumer of consumers) {
      clients.push(new Client(test, { user, token, consumer, windowBytes: windows[clients.length] }));
    }
  }
  return clients;
}

async function run(test: TestChat, clients: Client[], steps: Step[]): Promise<void> {
  for (const [index, step] of steps.entries()) {
    if (step.do === "wait") {
      await turns(step.turns);
      continue;
    }
    const client = clients[step.client % clients.length];
    if (step.do === "send") client.send(test.draft(step.to, `${index} `.padEnd(step.size, "x")));
    else if (step.do === "take") client.take(step.count);
    else if (step.do === "acknowledge") client.acknowledge();
    else if (step.do === "connect") client.connect(step);
    else client.disconnect();
  }
}

/** Connects all clients, and lets them take what there is, however long the store takes. */
async function settle(test: TestChat, clients: Client[]): Promise<void> {
  for (const client of clients) client.connect({ resumes: true });
  const all = async () => {
    for (const client of clients) {
      client.take(Infinity);
      if (client.hasReceipt) client.acknowledge();
    }
    if (!clients.every((client) => client.isIdle)) return false;
    const log = await readLog(test);
    return clients.every((client) => client.hasAll(log));
  };
  await eventually(all, () => "everything sent and taken");
}

function property(
  name: string,
  open: OpenChatStore,
  { numRuns, maxSteps }: { numRuns: number; maxSteps: number },
): void {
  Deno.test(`${name}: every consumer gets every message once and in order, however connections and acknowledgements are lost`, async () => {
    const windows = fc.array(fc.integer({ min: 600, max: 4_000 }), { minLength: 5, maxLength: 5 });
    const delays = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 7 });
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: maxSteps, size: "max" }),
      windows,
      delays,
      async (steps, windows, delays) => {
        await using test = await TestChat.open({
          users,
          store: await open((log) => new SlowStore(log, delays)),
        });
        const clients = await openClients(test, windows);
        for (const client of clients) client.connect({ resumes: false });
        await until(() => clients.every((client) => client.hasBegun));
        await run(test, clients, steps);
        await settle(test, clients);
        const log = await readLog(test);
        for (const client of clients) client.check(log);
        for (const client of clients) client.disconnect();
      },
    );
    await fc.assert(property, { numRuns });
  });
}

/** Returns all accepted messages by position; each conversation is numbered without gaps. */
async function readLog(test: TestChat): Promise<Message[]> {
  const limits = { limit: 10_000, maxBytes: 10_000_000 };
  const all = new Map<number, Message>();
  for (const user of users) {
    for (const message of (await test.store.messages.messagesAfter(user, 0, limits)).messages) {
      all.set(message.position, toWireMessage(message));
    }
  }
  const log = [...all.values()].sort((one, other) => one.position - other.position);
  for (const conversation of new Set(log.map((message) => message.conversation))) {
    const seqs = log.filter((message) => message.conversation === conversation).map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, index) => index + 1));
  }
  return log;
}

property("sqlite", TestStore.openWith, { numRuns: 40, maxSteps: 300 });
if (!storesAnswerLate()) property("postgres", openPostgresChatStore, { numRuns: 10, maxSteps: 100 });
