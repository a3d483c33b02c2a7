import type { Consumer, UnfinishedReplay } from "../../app/client/client_state.ts";
import { savedPosition } from "../../app/client/saved_positions.ts";
import type { ChatClient } from "../../client/chat_client.ts";
import type { ResumePoint } from "../../client/delivery_cursor.ts";
import type { Message } from "../../core/messages/message.ts";
import type { HelloResponse } from "../../gen/chatd/v1/session.ts";
import { SystemError } from "../../core/system_error.ts";
import { fromWireMessage } from "../../wire/convert.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, openConnection, type ScriptConnection } from "../script/connection.ts";
import {
  foreverMs,
  resolveConversations,
  runConsumer,
  savePosition,
  takeExclusiveConsumer,
} from "../script/consumer_session.ts";
import { ownConversations } from "../script/conversations.ts";
import { type MessageFormat, messageFormat } from "../script/message_format.ts";
import { Output } from "../script/output.ts";
import { withClient } from "../script/request_client.ts";
import { RoomNames } from "../script/room_names.ts";
import { stopOnSignals } from "../script/stop_on_signals.ts";

/**
 * Where to start: a message's number in the only conversation, or a time in all of them, in milliseconds since the Unix
 * epoch.
 */
export type Since = { readonly seq: number } | { readonly ms: number };

/** Options of `chatd tail`. */
export interface TailCommandOptions {
  readonly connection: ConnectionChoice;
  readonly name: string;
  /** Addresses of conversations; an empty list means all. */
  readonly conversations: readonly string[];
  /** Where to start instead of the saved cursor. */
  readonly since?: Since;
  /** Exits after this many messages. */
  readonly count?: number;
  /** Also prints events. */
  readonly events: boolean;
  readonly json: boolean;
}

const sincePage = 50;
/** How often the progress of a replay is saved, in milliseconds. */
const saveReplayMs = 500;
/** How long a blocked reader of stdout may delay the exit, in milliseconds. */
const endPatienceMs = 2_000;

/**
 * Prints messages until a signal arrives, and acknowledges those that the reader of stdout has taken.
 * @returns the exit code
 */
export async function runTail(options: TailCommandOptions): Promise<number> {
  const connection = await openConnection(options.connection);
  using consumer = takeExclusiveConsumer(connection, "tail", options.name);
  using signals = stopOnSignals();
  const stop = new AbortController();
  const stopped = new Promise<undefined>((resolve) => stop.signal.addEventListener("abort", () => resolve(undefined)));
  signals.signal.addEventListener("abort", () => stop.abort());
  const only = await Promise.race([resolveConversations(connection, options.conversations), stopped]);
  if (stop.signal.aborted) return exitCode.done;
  const format = await messageFormat({ json: options.json, user: connection.user });
  // Over a connection of their own: replies on the consumer's wait for the message that is being printed.
  const names = new RoomNames((address) => {
    return withClient(connection, (client) => client.conversation(address), { patienceMs: foreverMs });
  });
  const tail = new Tail(options, { format, only, stop, names });
  const replay = replayOf(options, connection.state.read().unfinished?.[consumer.name]);
  // The replay begins once the consumer exists: messages that arrive meanwhile are delivered to it and wait.
  const replayed = Promise.withResolvers<void>();
  let hasBegun = false;
  const begin = () => {
    if (hasBegun) return;
    hasBegun = true;
    if (replay === undefined) return replayed.resolve();
    const save = () => saveReplay(tail, { connection, consumer, replay });
    save();
    const timer = setInterval(save, saveReplayMs);
    const { incarnation } = replay;
    withClient(connection, (client, hello) => tail.replay(client, replay, hello), {
      patienceMs: foreverMs,
      incarnation,
    })
      .then(save).finally(() => clearInterval(timer)).then(replayed.resolve, replayed.reject);
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
  saveProgress(tail, { connection, consumer, resume, replay });
  if (tail.failure !== undefined) throw tail.failure;
  return exitCode.done;
}

interface Replay {
  readonly since: Since;
  /** Only messages with a higher position in the given incarnation of the log. */
  readonly after: number;
  readonly incarnation?: string;
}

function replayOf({ since }: TailCommandOptions, unfinished: UnfinishedReplay | undefined): Replay | undefined {
  if (since !== undefined) return { since, after: 0 };
  if (unfinished === undefined) return undefined;
  return { since: { ms: unfinished.fromMs }, after: unfinished.after, incarnation: unfinished.incarnation };
}

function saveProgress(
  tail: Tail,
  { connection, consumer, resume, replay }: {
    connection: ScriptConnection;
    consumer: Consumer;
    resume: ResumePoint | undefined;
    replay: Replay | undefined;
  },
): void {
  const { state } = connection;
  if (replay !== undefined) saveReplay(tail, { connection, consumer, replay });
  if (replay !== undefined && !tail.hasReplayed) return;
  if (resume !== undefined && !tail.isReaderGone) return savePosition(connection, consumer, resume);
  const { epoch, incarnation } = resume ?? savedPosition(state.read(), consumer.name) ?? {};
  if (tail.reached !== undefined && epoch !== undefined) {
    savePosition(connection, consumer, { epoch, incarnation, after: tail.reached });
  }
}

/** Saves the progress of a replay, for the next run to resume if this one is killed. */
function saveReplay(
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
  // A start by number becomes a time once the first message is printed.
  else return;
  connection.state.update(({ unfinished = {}, ...saved }) => {
    const { [consumer.name]: _before, ...others } = unfinished;
    return { ...saved, unfinished: place === undefined ? others : { ...others, [consumer.name]: place } };
  });
}

/** Prints relevant messages and tracks its progress. */
class Tail {
  /** The reader of stdout has closed the pipe, or the run is stopping: a message was not taken. */
  isReaderGone = false;
  /** Why a message could not be printed. */
  failure: SystemError | undefined;
  /** The position up to which all messages were printed or skipped; undefined at the beginning. */
  reached: number | undefined;
  /** The message printed last. */
  last: Message | undefined;
  /** The log's incarnation when {@link replay} began. */
  incarnation: string | undefined;
  /** The replay is complete. */
  hasReplayed = false;
  readonly #options: TailCommandOptions;
  readonly #format: MessageFormat;
  /** Ids of the conversations to print; undefined means all. */
  readonly #only: ReadonlySet<string> | undefined;
  readonly #stop: AbortController;
  readonly #names: RoomNames;
  readonly #output = new Output();
  #left: number;

  constructor(
    options: TailCommandOptions,
    { format, only, stop, names }: {
      format: MessageFormat;
      only: ReadonlySet<string> | undefined;
      stop: AbortController;
      names: RoomNames;
    },
  ) {
    this.#options = options;
    this.#format = format;
    this.#only = only;
    this.#stop = stop;
    this.#names = names;
    this.#left = options.count ?? Infinity;
  }

  /** Resolves once the reader has taken the message. */
  async take(message: Message): Promise<void> {
    if (this.#stop.signal.aborted) this.isReaderGone = true;
    if (this.isReaderGone || message.position <= (this.reached ?? 0)) return;
    this.#names.learn(message);
    if (this.#isRelevant(message)) {
      if (!await this.#print(message)) {
        this.isReaderGone = true;
        return this.#stop.abort();
      }
      this.last = message;
      this.#left--;
    }
    this.reached = message.position;
    if (this.#left === 0) this.#stop.abort();
  }

  /** @returns false if the line was not wholly written */
  async #print(message: Message): Promise<boolean> {
    try {
      return await this.#output.line(this.#format(message, await this.#names.of(message)));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.failure = error;
      return false;
    }
  }

  /** Called when the server has another log, in which known positions are invalid. */
  forgetPositions(): void {
    this.reached = undefined;
  }

  /** Prints messages from `since` on and after a position, in the order of positions, up to the head in the hello. */
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
    // The earliest possible time starts at the oldest entry.
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

  #isRelevant({ event, conversation }: Message): boolean {
    return (event === undefined || this.#options.events) && (this.#only?.has(conversation) ?? true);
  }
}

async function* allAddresses(client: ChatClient): AsyncGenerator<string, void> {
  for await (const { address, headSeq } of ownConversations(client)) if (headSeq > 0) yield address;
}

/** Merges logs, each in the order of positions. */
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
