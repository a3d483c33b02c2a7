import type { ClientEvent } from "../../client/chat_client.ts";
import { ChatError } from "../../core/chat_error.ts";
import { systemClock } from "../../core/clock.ts";
import { createMessageId } from "../../core/messages/message_id.ts";
import type { Append } from "../../core/messages/message_store.ts";
import { roomIdFor } from "../../core/rooms/room.ts";
import { lockFolder } from "../../store/folder_lock.ts";
import { openStore } from "../../store/open_store.ts";
import type { Figures } from "../result.ts";
import type { Account } from "../systems/accounts.ts";
import type { ChatUser } from "../systems/chat_user.ts";
import type { RunOptions, StartedSystem, Workload } from "../systems/system.ts";
import { connectMany } from "./connect_many.ts";
import { Meter } from "./meter.ts";

const perSecond = 10;
const warmUpMessages = 10;
/** How long the last message may take to the last member, in milliseconds. */
const lastDeadlineMs = 30_000;
const stampLength = 13;
const padding = "x".repeat(100 - stampLength);

/** W4: the latency of a message to the last of many members. */
export const largeRoom: Workload = largeRoomWorkload({ members: 1_000 });

export function largeRoomWorkload({ members }: { members: number }): Workload {
  return {
    name: "w4",
    title: `a room of ${
      members.toLocaleString("en")
    } members, all online, ${perSecond} messages/s, until the last member has each`,
    users: members,
    needsChat: true,
    refuses: (_, { serverIsOwn }) =>
      serverIsOwn
        ? undefined
        : "This workload needs many accounts, which the bench creates only for a server that it started.",
    fill: makeRoom,
    run: (system, options) => runLargeRoom(system, { ...options, members }),
  };
}

/** Writes a room with all accounts as members to the store, because joining is not part of the measurement. */
async function makeRoom(folder: string, accounts: readonly Account[]): Promise<void> {
  using _lock = lockFolder(folder);
  using store = openStore({ folder });
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
  const users: ChatUser[] = [];
  await connectMany(members, async () => users.push(await system.join!(room.onEvent)), progress);
  const send = async (count: number) => {
    const startedAt = performance.now();
    for (let sent = 1; sent <= count; sent++) {
      void room.send(users[0]);
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
  /** For each message, the number of members that have not received it. */
  readonly #missing = new Map<string, number>();
  #failure: unknown;

  constructor(meter: Meter, others: number) {
    this.#meter = meter;
    this.#others = others;
  }

  readonly onEvent = (event: ClientEvent): void => {
    if (event.kind !== "message") return;
    const { text } = event.message;
    const missing = this.#missing.get(text);
    if (missing === undefined) return;
    this.#meter.deliveredToOne();
    if (missing > 1) {
      this.#missing.set(text, missing - 1);
      return;
    }
    this.#missing.delete(text);
    this.#meter.deliveredToAll(performance.now() - Number(text.slice(0, stampLength)));
  };

  async send(user: ChatUser): Promise<void> {
    const text = performance.now().toFixed(3).padStart(stampLength, "0") + padding;
    this.#missing.set(text, this.#others);
    await user.client.send("#bench", text).catch((error) => this.#failure ??= error);
  }

  /** Resolves when all members have all messages. @throws {ChatError} `internal` at the deadline */
  async allHaveAll(): Promise<void> {
    const deadline = performance.now() + lastDeadlineMs;
    while (this.#missing.size > 0 && performance.now() < deadline && this.#failure === undefined) await wait(5);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#missing.size > 0) {
      throw new ChatError("internal", `${this.#missing.size} messages did not reach all members.`);
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
