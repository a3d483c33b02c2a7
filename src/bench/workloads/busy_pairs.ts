import { ChatError } from "../../core/chat_error.ts";
import type { Figures } from "../result.ts";
import type { Pair, RunOptions, StartedSystem, Workload } from "../systems/system.ts";
import { Meter } from "./meter.ts";

const pairs = 10;
const window = 64;
/** How long accepted messages may take after the last send, in milliseconds. */
const drainMs = 30_000;

/** W1: as many messages as possible, with at most a window of them in flight for each sender. */
export const busyPairs: Workload = {
  name: "w1",
  title: `${pairs} pairs, ${window} messages of 100 bytes in flight each`,
  users: 2 * pairs,
  run: runBusyPairs,
};

/**
 * Runs W1; W5 does the same on a full store.
 * @throws {ChatError} `internal` when an accepted message is not delivered
 */
export async function runBusyPairs(system: StartedSystem, options: RunOptions): Promise<Figures> {
  const meter = new Meter(system.processes);
  options.progress("connecting");
  const connected: Pair[] = [];
  for (let i = 0; i < pairs; i++) connected.push(await system.connectPair(meter.delivered));
  const sending = new Senders(connected);
  const figures = await Promise.race([meter.measureRate(options), sending.failed]);
  await sending.stop();
  const deadline = performance.now() + drainMs;
  while (meter.count < sending.sent && performance.now() < deadline) await new Promise((done) => setTimeout(done, 10));
  if (meter.count === sending.sent) return figures;
  throw new ChatError("internal", `${sending.sent} messages were accepted, but ${meter.count} were delivered.`);
}

/** A window of senders for each pair, which send until they are stopped. */
class Senders {
  /** Rejects when a sender fails. */
  readonly failed: Promise<never>;
  readonly #all: Promise<void>[];
  #sent = 0;
  #stopped = false;

  constructor(pairs: readonly Pair[]) {
    this.#all = pairs.flatMap((pair) => Array.from({ length: window }, () => this.#send(pair)));
    this.failed = Promise.all(this.#all).then(() => new Promise<never>(() => {}));
    this.failed.catch(() => {});
  }

  /** Messages that were accepted. */
  get sent(): number {
    return this.#sent;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#all);
  }

  async #send(pair: Pair): Promise<void> {
    while (!this.#stopped) {
      await pair.send();
      this.#sent++;
    }
  }
}
