import type { Consumer, UnfinishedReplay } from "../../app/client/client_state.ts";
import { savedPosition } from "../../app/client/saved_positions.ts";
import type { ChatClient } from "../../client/chat_client.ts";
import type { ResumePoint } from "../../client/delivery_cursor.ts";
import type { Message } from "../../core/messages/message.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection, type ScriptConnection } from "../script/connection.ts";
import { conversationsOf, everMs, keepPosition, runConsumer, takeOnly } from "../script/consumer_session.ts";
import { ownConversations } from "../script/conversations.ts";
import { type MessageFormat, messageFormat } from "../script/message_format.ts";
import { Output } from "../script/output.ts";
import { withClient } from "../script/request_client.ts";
import { stopOnSignals } from "../script/stop_on_signals.ts";

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
/** How often it is remembered how far going back came, in milliseconds. */
const keepReplayMs = 500;
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
  if (stop.signal.aborted) return exitCode.done;
  const format = await messageFormat({ json: options.json, user: connection.user });
  const tail = new Tail(options, { format, only, stop });
  const replay = replayOf(options, connection.state.read().unfinished?.[consumer.name]);
  // Begun when the consumer is there: what comes meanwhile is delivered to it, and waits.
  const replayed = Promise.withResolvers<void>();
  let hasBegun = false;
  const begin = () => {
    if (hasBegun) return;
    hasBegun = true;
    if (replay === undefined) return replayed.resolve();
    const keep = () => keepReplay(tail, { connection, consumer, replay });
    keep();
    const timer = setInterval(keep, keepReplayMs);
    const { incarnation } = replay;
    withClient(connection, (client, hello) => tail.replay(client, replay, hello), { patienceMs: everMs, incarnation })
      .then(keep).finally(() => clearInterval(timer)).then(replayed.resolve, replayed.reject);
  };
  const running = runConsumer({
    connection,
    consumer,
    signal: stop.signal,
    onOnline: begin,
    onRestored: () => tail.forgetPositions(),
    onMessage: async (message) => {
      await Promise.race([replayed.promise, stopped]).catch(() => {});
      await tail.take(message);
    },
  });
  running.catch(() => {});
  const failed = replayed.promise.then(() => new Promise<never>(() => {}));
  failed.catch(() => {});
  const patience = stopped.then(() =>
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), endPatienceMs))
  );
  const resume = await Promise.race([running, failed, patience]);
  keepPlace(tail, { connection, consumer, resume, replay });
  return exitCode.done;
}

interface Replay {
  readonly since: Since;
  /** Only what has a higher position, in the log's incarnation that it was of. */
  readonly after: number;
  readonly incarnation?: string;
}

function replayOf({ since }: TailCommandOptions, unfinished: UnfinishedReplay | undefined): Replay | undefined {
  if (since !== undefined) return { since, after: 0 };
  if (unfinished === undefined) return undefined;
  return { since: { ms: unfinished.fromMs }, after: unfinished.after, incarnation: unfinished.incarnation };
}

function keepPlace(
  tail: Tail,
  { connection, consumer, resume, replay }: {
    connection: ScriptConnection;
    consumer: Consumer;
    resume: ResumePoint | undefined;
    replay: Replay | undefined;
  },
): void {
  const { state } = connection;
  if (replay !== undefined) keepReplay(tail, { connection, consumer, replay });
  if (replay !== undefined && !tail.hasReplayed) return;
  if (resume !== undefined && !tail.lost) return keepPosition(connection, consumer, resume);
  const { epoch, incarnation } = resume ?? savedPosition(state.read(), consumer.name) ?? {};
  if (tail.reached !== undefined && epoch !== undefined) {
    keepPosition(connection, consumer, { epoch, incarnation, after: tail.reached });
  }
}

/** Remembers how far going back in the log came: a run that is killed there is gone on with by the next. */
function keepReplay(
  { last, hasReplayed, incarnation }: Tail,
  { connection, consumer, replay: { since, after, incarnation: before } }: {
    connection: ScriptConnection;
    consumer: Consumer;
    replay: Replay;
  },
): void {
  let place: UnfinishedReplay | undefined;
  if (hasReplayed) place = undefined;
  else if (last !== undefined) place = { fromMs: last.acceptedAt, after: last.position, incarnation };
  else if ("ms" in since) place = { fromMs: since.ms, after, incarnation: before };
  // A number is known as a time when the first one was printed.
  else return;
  connection.state.update(({ unfinished = {}, ...saved }) => {
    const { [consumer.name]: _before, ...others } = unfinished;
    return { ...saved, unfinished: place === undefined ? others : { ...others, [consumer.name]: place } };
  });
}

/** Prints messages that are wanted, and knows how far that came. */
class Tail {
  /** There was a message that nobody took any more. */
  lost = false;
  /** The position up to which everything was printed, or not wanted; undefined when that is where it began. */
  reached: number | undefined;
  /** What was printed last. */
  last: Message | undefined;
  /** Of the log when {@link replay} began. */
  incarnation: string | undefined;
  /** What was to be printed of the log before what comes was printed. */
  hasReplayed = false;
  readonly #options: TailCommandOptions;
  readonly #format: MessageFormat;
  /** Conversations; undefined takes all. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #stop: AbortController;
  readonly #output = new Output();
  #left: number;

  constructor(
    options: TailCommandOptions,
    { format, only, stop }: { format: MessageFormat; only: ReadonlySet<string> | undefined; stop: AbortController },
  ) {
    this.#options = options;
    this.#format = format;
    this.#only = only;
    this.#stop = stop;
    this.#left = options.count ?? Infinity;
  }

  /** Resolves when the reader has it. */
  async take(message: Message): Promise<void> {
    if (this.#stop.signal.aborted) this.lost = true;
    if (this.lost || message.position <= (this.reached ?? 0)) return;
    if (this.#wants(message)) {
      if (!await this.#output.line(this.#format(message))) {
        this.lost = true;
        return this.#stop.abort();
      }
      this.last = message;
      this.#left--;
    }
    this.reached = message.position;
    if (this.#left === 0) this.#stop.abort();
  }

  /** The log is another one: what was reached in it says nothing. */
  forgetPositions(): void {
    this.reached = undefined;
  }

  /** Prints what there is from a place on and after a position, in the order of positions, up to the head of the hello. */
  async replay(client: ChatClient, { since, after: kept }: Replay, hello: HelloResponse): Promise<void> {
    const { head, incarnation, sharedThrough } = hello;
    const after = incarnation !== "" && kept > sharedThrough ? 0 : kept;
    this.incarnation = incarnation || undefined;
    const { conversations: addresses } = this.#options;
    const logs: AsyncGenerator<Message, void>[] = [];
    for await (const address of addresses.length > 0 ? addresses : allAddresses(client)) {
      logs.push(this.#entriesOf(client, { address, since, head }));
    }
    for await (const message of byPosition(logs)) {
      if (message.position > after) await this.take(message);
      if (this.#stop.signal.aborted) return;
    }
    this.reached = Math.max(this.reached ?? 0, head);
    this.hasReplayed = true;
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
