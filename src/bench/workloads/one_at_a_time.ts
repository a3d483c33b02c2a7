import { ChatError } from "../../core/chat_error.ts";
import { type Figures, systemNames } from "../result.ts";
import type { RunOptions, StartedSystem, Workload } from "../systems/system.ts";
import { Meter } from "./meter.ts";

const messages = 2_000;
/** A server runs cold code for less than a second of its life. */
const warmUpMessages = 2_000;
/** Interval of checks whether a message was lost, in milliseconds. */
const lostMs = 30_000;

/**
 * W2: the latency of a message without other load. Each message is sent after the one before was accepted and
 * delivered.
 */
export const oneAtATime: Workload = {
  name: "w2",
  title: `one pair, one message at a time, ${messages.toLocaleString("en")} times`,
  users: 2,
  systems: systemNames.filter((name) => !name.endsWith("-single")),
  leavesOut: "W2 leaves out the systems with a message in each frame: all frames have one.",
  run: runOneAtATime,
};

/** @throws {ChatError} `internal` when a message is not accepted or not delivered */
async function runOneAtATime(system: StartedSystem, { progress }: RunOptions): Promise<Figures> {
  const meter = new Meter(system.processes);
  progress("connecting");
  let waitsFor = 0;
  let isDone = Promise.withResolvers<void>();
  const settleOne = () => --waitsFor === 0 && isDone.resolve();
  const sender = await system.connectPair({
    onDelivered: (stamp) => {
      meter.delivered(stamp);
      settleOne();
    },
    onAccepted: settleOne,
  });
  const send = async (times: number) => {
    for (let sent = 1; sent <= times; sent++) {
      isDone = Promise.withResolvers();
      waitsFor = 2;
      sender.send(1);
      await isDone.promise;
      if (sent % 100 === 0) progress(`${sent.toLocaleString("en")} of ${times.toLocaleString("en")}`);
    }
  };
  let watch: ReturnType<typeof setTimeout>;
  const watchFrom = (before: typeof isDone) => {
    watch = setTimeout(() => {
      if (isDone !== before) return watchFrom(isDone);
      isDone.reject(new ChatError("internal", "A message was not accepted or not delivered."));
    }, lostMs);
  };
  watchFrom(isDone);
  try {
    await send(warmUpMessages);
    return await meter.measure(() => send(messages));
  } finally {
    clearTimeout(watch!);
  }
}
