import { systemNames } from "../result.ts";
import type { Workload } from "../systems/system.ts";
import { busyPairs, runBusyPairs } from "./busy_pairs.ts";
import { fillStore } from "./store_filler.ts";

/** W5: W1 on a store that already holds many messages. */
export const fullStore: Workload = {
  name: "w5",
  title: "W1 on a full and indexed log",
  users: busyPairs.users,
  systems: systemNames.filter((name) => !name.startsWith("bare-") && name !== "grpc-database"),
  leavesOut: "W5 leaves out relays and the bare broker: they have no store.",
  refuses: (_, { serverIsOwn }) =>
    serverIsOwn ? undefined : "This workload fills the store, which the bench does only for a server that it started.",
  async prepare({ storeFolder, newFolder, messages, progress }) {
    const folder = storeFolder ?? await newFolder();
    return { folder, ...await fillStore(folder, { messages, progress }) };
  },
  async run(system, options) {
    const figures = await runBusyPairs(system, options);
    const { stored, filledPerSecond } = options.prepared!;
    return { ...figures, stored, ...(filledPerSecond !== undefined && { filledPerSecond }) };
  },
};
