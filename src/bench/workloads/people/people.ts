import { ChatError } from "../../../core/chat_error.ts";
import { AckClock } from "../../driver/ack_clock.ts";
import type { Figures, PeopleFigures } from "../../result.ts";
import type { RunOptions, StartedSystem, Workload } from "../../systems/system.ts";
import { connectMany } from "../connect_many.ts";
import { Meter } from "../meter.ts";
import { Life } from "./life.ts";
import { Person } from "./person.ts";
import { type RoomGroup, standardRooms, Town } from "./town.ts";

export interface PeopleOptions {
  readonly online: number;
  /** People who are absent, some minutes each. */
  readonly absent: number;
  readonly rooms: readonly RoomGroup[];
  /** How many times faster than in life everything happens. */
  readonly timesFaster: number;
  /** The time before the measurement, in seconds. */
  readonly warmUpSeconds: number;
}

/** How long the last messages may take, in milliseconds. */
const drainMs = 60_000;
const secondsOfMinute = 60;

/** W6: people as they are, who mostly read. */
export const people: Workload = peopleWorkload({
  online: 1_000,
  absent: 50,
  rooms: standardRooms,
  timesFaster: 5,
  warmUpSeconds: 24,
});

export function peopleWorkload(options: PeopleOptions): Workload {
  const { online, absent, timesFaster, rooms } = options;
  const town = new Town(online + absent, rooms);
  const sizes = rooms.map(({ members }) => members);
  return {
    name: "w6",
    title: `${online.toLocaleString("en")} people online, rooms of ${Math.min(...sizes)} to ${Math.max(...sizes)}, ` +
      `2 messages a minute each; all ${timesFaster} times faster than in life`,
    users: online + absent,
    systems: ["grpc-stream", "grpc-tls", "amqp"],
    leavesOut:
      "W6 leaves out relays and the bare broker, which have no rooms, and chatd's own clients: a thousand of " +
      "them need more CPU than the server.",
    refuses: (_, { serverIsOwn }) =>
      serverIsOwn
        ? undefined
        : "This workload needs many accounts, which the bench creates only for a server that it started.",
    fill: (folder, accounts) => town.fill(folder, accounts),
    run: (system, runOptions) => runPeople(system, { ...runOptions, ...options, town }),
  };
}

/** @throws {ChatError} `internal` when a message is not accepted, or a person did not get it */
async function runPeople(
  system: StartedSystem,
  { town, seconds, progress, ...options }: RunOptions & PeopleOptions & { town: Town },
): Promise<Figures> {
  const { online, absent, timesFaster, warmUpSeconds } = options;
  const meter = new Meter(system.processes);
  using ackClock = new AckClock(1_000 / timesFaster);
  const sessions = system.users!;
  const accounts = [];
  for (let i = 0; i < online + absent; i++) accounts.push(await sessions.account());
  // A server gives accounts in an order of its own; the rooms know people by the number in their names.
  accounts.sort((one, other) => numberOf(one.name) - numberOf(other.name));
  const onDelivered = (stamp: number, isLive: boolean) => isLive ? meter.delivered(stamp) : meter.deliveredToOne();
  using life = new Life({ town, timesFaster });
  const all = accounts.map((account) =>
    new Person({ account, sessions, ackClock, onDelivered, onAccepted: life.onAccepted })
  );
  const connecting = all.values();
  await connectMany(all.length, () => connecting.next().value!.comeOnline(), progress);
  life.begin(all, { absent });
  const living = life.run();
  progress("warming up");
  const measuring = (async () => {
    await wait(warmUpSeconds * 1000);
    const before = life.counts;
    progress("measuring");
    const figures = await meter.measure(() => wait(seconds * 1000));
    return { figures, before, after: life.counts };
  })();
  const { figures, before, after } = await Promise.race([measuring, living.then(() => measuring), system.failed]);
  await life.end();
  await living;
  const deadline = performance.now() + drainMs;
  const isDone = () => life.isAnswered && meter.count === life.counts.deliveries;
  while (!isDone() && performance.now() < deadline) await wait(10);
  if (!isDone()) {
    const { sent, accepted, deliveries } = life.counts;
    throw new ChatError(
      "internal",
      `${sent} messages were sent and ${accepted} accepted; ${meter.count} of ${deliveries} deliveries arrived.`,
    );
  }
  const minutes = online * figures.seconds * timesFaster / secondsOfMinute;
  const perMinute = (perThousand: number | undefined) =>
    perThousand === undefined ? undefined : Math.round(perThousand * figures.delivered / minutes) / 1000;
  const people: PeopleFigures = {
    online,
    timesFaster,
    sent: after.sent - before.sent,
    typingReports: after.typingReports - before.typingReports,
    reads: after.reads - before.reads,
    logins: after.logins - before.logins,
    serverCpuPerMinute: perMinute(figures.cpu?.server),
    brokerCpuPerMinute: perMinute(figures.cpu?.broker),
  };
  return { ...figures, people };
}

function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
