import type { ChatClient } from "../../client/chat_client.ts";
import type { Message } from "../../core/message.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { type ConnectionChoice, openConnection, type ScriptConnection } from "./connection.ts";
import { conversationsOf, everMs, keepPosition, runConsumer, takeOnly } from "./consumer_session.ts";
import { ownConversations } from "./list_commands.ts";
import { jsonLine, Output } from "./output.ts";
import { messageRecord, messageText } from "./records.ts";
import { withClient } from "./request_client.ts";
import { stopOnSignals } from "./stop_on_signals.ts";

/** A place in a log: a number in the only conversation, or a time in all of them, in milliseconds since the Unix epoch. */
export type Since = { readonly seq: number } | { readonly ms: number };

/** What `chatd tail` is asked to do. */
export interface TailCommandOptions {
  readonly connection: ConnectionChoice;
  readonly name: string;
  /** Addresses; all conversations when there is none. */
  readonly conversations: readonly string[];
  /** Begin there, instead of where it stopped. */
  readonly since?: Since;
  /** End after so many. */
  readonly count?: number;
  /** Events too. */
  readonly events: boolean;
  readonly json: boolean;
}

const sincePage = 50;
/** How long a reader that does not read may hold up the end, in milliseconds. */
const endPatienceMs = 2_000;

/** Prints what comes until it is told to end; acknowledges what the reader of stdout took. @returns the exit code */
export async function runTail(options: TailCommandOptions): Promise<number> {
  const connection = await openConnection(options.connection);
  using consumer = takeOnly(connection, "tail", options.name);
  using signals = stopOnSignals();
  const stop = new AbortController();
  const stopped = new Promise<undefined>((resolve) => stop.signal.addEventListener("abort", () => resolve(undefined)));
  signals.signal.addEventListener("abort", () => stop.abort());
  const only = await Promise.race([conversationsOf(connection, options.conversations), stopped]);
  const tail = new Tail(options, { user: connection.user, only, end: () => stop.abort() });
  if (options.since !== undefined && !stop.signal.aborted) {
    const epoch = await Promise.race([catchUp(tail, connection, options.since), stopped]);
    if (epoch !== undefined && tail.reached !== undefined) {
      keepPosition(connection, consumer, { epoch, after: tail.reached });
    }
  }
  if (stop.signal.aborted) return 0;
  const running = runConsumer({
    connection,
    consumer,
    signal: stop.signal,
    onMessage: (message) => tail.take(message),
  });
  running.catch(() => {});
  const patience = stopped.then(() =>
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), endPatienceMs))
  );
  const resume = await Promise.race([running, patience]);
  if (resume !== undefined && !tail.lost) {
    keepPosition(connection, consumer, resume);
  } else if (tail.reached !== undefined) {
    const { epoch } = resume ?? connection.state.read();
    if (epoch !== undefined) keepPosition(connection, consumer, { epoch, after: tail.reached });
  }
  return 0;
}

/** Prints what is older than now. @returns the epoch of the log that it is about */
function catchUp(tail: Tail, connection: ScriptConnection, since: Since): Promise<string> {
  return withClient(connection, async (client, hello) => {
    await tail.catchUp(client, { since, head: hello.head });
    return hello.epoch;
  }, { patienceMs: everMs });
}

/** Prints messages that are wanted, and knows how far that came. */
class Tail {
  /** There was a message that nobody took any more. */
  lost = false;
  /** The position up to which everything was printed, or not wanted; undefined when that is where it began. */
  reached: number | undefined;
  readonly #options: TailCommandOptions;
  readonly #user: string;
  /** Conversations; undefined takes all. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #end: () => void;
  readonly #output = new Output();
  #left: number;

  constructor(
    options: TailCommandOptions,
    { user, only, end }: { user: string; only: ReadonlySet<string> | undefined; end: () => void },
  ) {
    this.#options = options;
    this.#user = user;
    this.#only = only;
    this.#end = end;
    this.#left = options.count ?? Infinity;
  }

  /** Resolves when the reader has it. */
  async take(message: Message): Promise<void> {
    if (this.lost || this.#left === 0) {
      this.lost = true;
      return;
    }
    if (this.#wants(message)) {
      const { json } = this.#options;
      const line = json ? jsonLine(messageRecord(message, this.#user)) : messageText(message, this.#user);
      if (!await this.#output.line(line)) {
        this.lost = true;
        return this.#end();
      }
      this.#left--;
    }
    this.reached = message.position;
    if (this.#left === 0) this.#end();
  }

  /** Prints what there is from a place on, in the order of positions, up to `head`. */
  async catchUp(
    client: ChatClient,
    { since, head }: { since: Since; head: number },
  ): Promise<void> {
    const { conversations: addresses } = this.#options;
    const logs: AsyncGenerator<Message, void>[] = [];
    for await (const address of addresses.length > 0 ? addresses : allAddresses(client)) {
      logs.push(this.#entriesOf(client, { address, since, head }));
    }
    for await (const message of byPosition(logs)) {
      await this.take(message);
      if (this.lost || this.#left === 0) return;
    }
    this.reached = head;
  }

  async *#entriesOf(
    client: ChatClient,
    { address, since, head }: { address: string; since: Since; head: number },
  ): AsyncGenerator<Message, void> {
    const { events } = this.#options;
    // The time of the first entry there could be begins with the oldest.
    let from: { afterSeq: number } | { fromMs: number } = "ms" in since
      ? { fromMs: Math.max(since.ms, 1) }
      : since.seq > 1
      ? { afterSeq: since.seq - 1 }
      : { fromMs: 1 };
    for (;;) {
      const page = await client.history({ with: address, limit: sincePage, events, ...from });
      for (const entry of page.messages) {
        if (entry.position > head) return;
        const message = fromWireMessage(entry);
        if (message !== undefined) yield message;
      }
      if (!page.moreAfter) return;
      from = { afterSeq: page.lastSeq };
    }
  }

  #wants({ event, conversation }: Message): boolean {
    return (event === undefined || this.#options.events) && (this.#only?.has(conversation) ?? true);
  }
}

async function* allAddresses(client: ChatClient): AsyncGenerator<string, void> {
  for await (const { address, headSeq } of ownConversations(client)) if (headSeq > 0) yield address;
}

/** Merges logs that are each in the order of positions. */
async function* byPosition(logs: readonly AsyncGenerator<Message, void>[]): AsyncGenerator<Message, void> {
  const fronts = await Promise.all(logs.map(async (log) => ({ log, next: await log.next() })));
  for (;;) {
    let first: typeof fronts[number] | undefined;
    for (const front of fronts) {
      if (front.next.done) continue;
      if (first === undefined || front.next.value.position < first.next.value!.position) first = front;
    }
    if (first === undefined || first.next.done) return;
    yield first.next.value;
    first.next = await first.log.next();
  }
}
