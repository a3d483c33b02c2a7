import { ChatError } from "../../core/chat_error.ts";
import { systemClock } from "../../core/clock.ts";
import { createMessageId } from "../../core/messages/message_id.ts";
import type { Append } from "../../core/messages/message_store.ts";
import { roomIdFor } from "../../core/rooms/room.ts";
import type { Store } from "../../store/store.ts";
import type { Figures } from "../result.ts";
import type { Account } from "../systems/accounts.ts";
import type { RunOptions, Sender, StartedSystem, Workload } from "../systems/system.ts";
import { connectMany } from "./connect_many.ts";
import { Meter } from "./meter.ts";

const perSecond = 10;
const warmUpMessages = 10;
/** How long the last message may take to the last member, in milliseconds. */
const lastDeadlineMs = 60_000;

/** W4: the latency of a message to the last of many members. */
export const largeRoom: Workload = largeRoomWorkload({ members: 1_000 });

export function largeRoomWorkload({ members }: { members: number }): Workload {
  return {
    name: "w4",
    title: `a room of ${
      members.toLocaleString("en")
    } members, all online, ${perSecond} messages/s, until the last member has each`,
    users: members,
    systems: ["grpc-stream", "grpc-tls", "grpc-client", "grpc-callback", "grpc-database", "amqp"],
    leavesOut:
      "W4 leaves out relays and the bare broker, which have no rooms, and the systems with a message in each " +
      "frame: one person writes ten messages a second.",
    refuses: (_, { serverIsOwn }) =>
      serverIsOwn
        ? undefined
        : "This workload needs many accounts, which the bench creates only for a server that it started.",
    fill: makeRoom,
    run: (system, options) => runLargeRoom(system, { ...options, members }),
  };
}

/** Writes a room with all accounts as members to the store, because joining is not part of the measurement. */
async function makeRoom(store: Store, accounts: readonly Account[]): Promise<void> {
  const id = await roomIdFor(accounts[0].name, createMessageId());
  const now = systemClock.now();
  const entries = accounts.map(({ name }, i): Append => ({
    kind: "append",
    conversation: id,
    members: [],
    id: createMessageId(),
    sender: name,
    acceptedAt: now,
    text: i === 0 ? "bench" : "",
    event: i === 0 ? { kind: "room_created", isPublic: true, historyVisible: false } : { kind: "joined" },
  }));
  await store.messages.commit(entries);
}

async function runLargeRoom(
  system: StartedSystem,
  { members, seconds, progress }: RunOptions & { members: number },
): Promise<Figures> {
  const meter = new Meter(system.processes);
  const room = new WatchedRoom(meter, members - 1);
  const senders: Sender[] = [];
  const { onDelivered, onAccepted } = room;
  const connect = async () => senders.push(await system.connectUser!({ to: "#bench", onDelivered, onAccepted }));
  await connectMany(members, connect, progress);
  const send = async (count: number) => {
    const startedAt = performance.now();
    for (let sent = 1; sent <= count; sent++) {
      room.send(senders[0]);
      await wait(startedAt + sent * 1000 / perSecond - performance.now());
      progress(`${sent} of ${count} messages`);
    }
    await room.allHaveAll();
  };
  await send(warmUpMessages);
  return { ...await meter.measure(() => send(seconds * perSecond)), members };
}

/** Counts the members that have not received each message yet. */
class WatchedRoom {
  readonly #meter: Meter;
  readonly #others: number;
  /** For the stamp of each message, the number of members that have not received it. */
  readonly #missing = new Map<number, number>();
  #unaccepted = 0;

  constructor(meter: Meter, others: number) {
    this.#meter = meter;
    this.#others = others;
  }

  readonly onDelivered = (stamp: number): void => {
    const missing = this.#missing.get(stamp);
    if (missing === undefined) return;
    this.#meter.deliveredToOne();
    if (missing > 1) {
      this.#missing.set(stamp, missing - 1);
      return;
    }
    this.#missing.delete(stamp);
    this.#meter.deliveredToAll(stamp);
  };

  readonly onAccepted = (count: number): void => {
    this.#unaccepted -= count;
  };

  send(sender: Sender): void {
    this.#unaccepted++;
    this.#missing.set(sender.send(1), this.#others);
  }

  /** Resolves when all members have all messages. @throws {ChatError} `internal` at the deadline */
  async allHaveAll(): Promise<void> {
    const deadline = performance.now() + lastDeadlineMs;
    const isDone = () => this.#missing.size === 0 && this.#unaccepted === 0;
    while (!isDone() && performance.now() < deadline) await wait(5);
    if (isDone()) return;
    const { size } = this.#missing;
    throw new ChatError(
      "internal",
      `${size} messages did not reach all members, ${this.#unaccepted} were not accepted.`,
    );
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
