import type { WorkloadName } from "../result.ts";
import type { Workload } from "../systems/system.ts";
import { busyPairs } from "./busy_pairs.ts";
import { fullStore } from "./full_store.ts";
import { idleWorkload } from "./idle_sessions.ts";
import { largeRoom } from "./large_room.ts";
import { people } from "./people/people.ts";
import { oneAtATime } from "./one_at_a_time.ts";

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  w1: busyPairs,
  w2: oneAtATime,
  w3: idleWorkload({ sessions: 10_000 }),
  w4: largeRoom,
  w5: fullStore,
  w6: people,
};
