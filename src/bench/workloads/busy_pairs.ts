import { ChatError } from "../../core/chat_error.ts";
import { type Figures, systemNames } from "../result.ts";
import type { RunOptions, Sender, StartedSystem, Workload } from "../systems/system.ts";
import { Meter } from "./meter.ts";

const pairs = 10;
const window = 64;
/** How long the last messages may take, in milliseconds. */
const drainMs = 30_000;

/** W1: as many messages as possible, with at most a window of them in flight for each sender. */
export const busyPairs: Workload = {
  name: "w1",
  title: `${pairs} pairs, ${window} messages of 100 bytes in flight each`,
  users: 2 * pairs,
  systems: systemNames,
  leavesOut: "",
  run: runBusyPairs,
};

/**
 * Runs W1; W5 does the same on a full store.
 * @throws {ChatError} `internal` when a message is not accepted or not delivered
 */
export async function runBusyPairs(system: StartedSystem, options: RunOptions): Promise<Figures> {
  const meter = new Meter(system.processes);
  options.progress("connecting");
  const senders = new WindowedSenders();
  for (let i = 0; i < pairs; i++) {
    senders.add(await system.connectPair({ onDelivered: meter.delivered, onAccepted: senders.onAccepted(i) }));
  }
  senders.start();
  const figures = await meter.measureRate(options);
  senders.stop();
  const deadline = performance.now() + drainMs;
  const isDrained = () => senders.accepted === senders.sent && meter.count === senders.sent;
  while (!isDrained() && performance.now() < deadline) await new Promise((done) => setTimeout(done, 10));
  if (isDrained()) return figures;
  throw new ChatError(
    "internal",
    `${senders.sent} messages were sent, ${senders.accepted} were accepted, and ${meter.count} were delivered.`,
  );
}

/** Senders that keep a window of messages in flight each, until they are stopped. */
class WindowedSenders {
  readonly #senders: Sender[] = [];
  #sent = 0;
  #accepted = 0;
  #stopped = false;

  get sent(): number {
    return this.#sent;
  }

  get accepted(): number {
    return this.#accepted;
  }

  add(sender: Sender): void {
    this.#senders.push(sender);
  }

  /** Returns the callback of one sender: it sends as many messages as were accepted. */
  onAccepted(index: number): (count: number) => void {
    return (count) => {
      this.#accepted += count;
      if (!this.#stopped) this.#send(index, count);
    };
  }

  start(): void {
    for (const index of this.#senders.keys()) this.#send(index, window);
  }

  stop(): void {
    this.#stopped = true;
  }

  #send(index: number, count: number): void {
    this.#sent += count;
    this.#senders[index].send(count);
  }
}
