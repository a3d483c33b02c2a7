import type { Figures } from "../result.ts";
import type { RunOptions, StartedSystem, Workload } from "../systems/system.ts";
import { Meter } from "./meter.ts";

const messages = 2_000;
const warmUpMessages = 200;

/**
 * W2: the latency of a message without other load. Each message is sent after the one before was accepted and
 * delivered.
 */
export const oneAtATime: Workload = {
  name: "w2",
  title: `one pair, one message at a time, ${messages.toLocaleString("en")} times`,
  users: 2,
  run: runOneAtATime,
};

async function runOneAtATime(system: StartedSystem, { progress }: RunOptions): Promise<Figures> {
  const meter = new Meter(system.processes);
  let arrived = Promise.withResolvers<void>();
  progress("connecting");
  const pair = await system.connectPair((latencyMs) => {
    meter.delivered(latencyMs);
    arrived.resolve();
  });
  const send = async (times: number) => {
    for (let sent = 1; sent <= times; sent++) {
      arrived = Promise.withResolvers();
      await Promise.all([pair.send(), arrived.promise]);
      if (sent % 100 === 0) progress(`${sent.toLocaleString("en")} of ${times.toLocaleString("en")}`);
    }
  };
  await send(warmUpMessages);
  return await meter.measure(() => send(messages));
}
