import { busyPairs } from "./busy_pairs.ts";
import { oneAtATime } from "./one_at_a_time.ts";
import type { WorkloadName } from "./result.ts";
import type { Workload } from "./system.ts";

export const workloads: Readonly<Record<WorkloadName, Workload>> = {
  w1: busyPairs,
  w2: oneAtATime,
} as Record<WorkloadName, Workload>;
