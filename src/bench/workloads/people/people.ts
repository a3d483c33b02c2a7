import { ChatError } from "../../../core/chat_error.ts";
import { AckClock } from "../../driver/ack_clock.ts";
import type { Figures, PeopleFigures } from "../../result.ts";
import type { RunOptions, StartedSystem, UserSessions, Workload } from "../../systems/system.ts";
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
/** Time without a message after which all of them have arrived, in milliseconds. */
const quietMs = 250;
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
    fill: (store, accounts) => town.fill(store, accounts),
    run: (system, runOptions) => runPeople(system, { ...runOptions, ...options, town }),
  };
}

/** @throws {ChatError} `internal` when a message is not accepted, or a person did not get it */
async function runPeople(
  system: StartedSystem,
  { town, seconds, progress, ...options }: RunOptions & PeopleOptions & { town: Town },
): Promise<Figures> {
  const { absent, timesFaster } = options;
  const meter = new Meter(system.processes);
  using ackClock = new AckClock(1_000 / timesFaster);
  using life = new Life({ town, timesFaster });
  const all = await makePeople(system.users!, { ...options, meter, ackClock, life });
  const connecting = all.values();
  await connectMany(all.length, () => connecting.next().value!.comeOnline(), progress);
  life.begin(all, { absent });
  const living = life.run();
  const measuring = measureLife(life, meter, { ...options, seconds, progress });
  const figures = await Promise.race([measuring, living.then(() => measuring), system.failed]);
  await life.bringBackAll();
  await requireComplete(life, meter);
  return figures;
}

async function makePeople(
  sessions: UserSessions,
  { online, absent, meter, ackClock, life }: PeopleOptions & { meter: Meter; ackClock: AckClock; life: Life },
): Promise<Person[]> {
  const accounts = [];
  for (let i = 0; i < online + absent; i++) accounts.push(await sessions.account());
  // A server gives accounts in an order of its own; the rooms know people by the number in their names.
  accounts.sort((one, other) => numberOf(one.name) - numberOf(other.name));
  const onDelivered = (stamp: number, isLive: boolean) => isLive ? meter.delivered(stamp) : meter.deliveredToOne();
  const { onAccepted } = life;
  return accounts.map((account) => new Person({ account, sessions, ackClock, onDelivered, onAccepted }));
}

/** Measures some seconds of life, and the time until the server has done all work of them. */
async function measureLife(
  life: Life,
  meter: Meter,
  { online, timesFaster, warmUpSeconds, seconds, progress }: PeopleOptions & RunOptions,
): Promise<Figures> {
  progress("warming up");
  await wait(warmUpSeconds * 1000);
  progress("measuring");
  const before = life.counts;
  let lived = 0;
  const figures = await meter.measure(async (startedAt) => {
    await wait(seconds * 1000);
    await life.stop();
    lived = (performance.now() - startedAt) / 1000;
    await quietOf(life, meter);
  });
  const after = life.counts;
  const minutes = online * lived * timesFaster / secondsOfMinute;
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

/** Resolves when all requests are answered and no more messages arrive, or at the deadline. */
async function quietOf(life: Life, meter: Meter): Promise<void> {
  const deadline = performance.now() + drainMs;
  let [count, since] = [meter.count, performance.now()];
  while (!life.isAnswered || performance.now() < since + quietMs) {
    if (performance.now() > deadline) return;
    await wait(10);
    if (meter.count !== count) [count, since] = [meter.count, performance.now()];
  }
}

async function requireComplete(life: Life, meter: Meter): Promise<void> {
  const deadline = performance.now() + drainMs;
  const isDone = () => life.isAnswered && meter.count === life.counts.deliveries;
  while (!isDone() && performance.now() < deadline) await wait(10);
  if (isDone()) return;
  const { sent, accepted, deliveries } = life.counts;
  throw new ChatError(
    "internal",
    `${sent} messages were sent and ${accepted} accepted; ${meter.count} of ${deliveries} deliveries arrived.`,
  );
}

function numberOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
