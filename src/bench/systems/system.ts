import type { ClientEvent } from "../../client/chat_client.ts";
import type { Figures, SystemName, WorkloadName } from "../result.ts";
import type { Account } from "./accounts.ts";
import type { ChatUser } from "./chat_user.ts";

/** One way to carry messages. Workloads know nothing else of it, so that the same work is done on all. */
export interface BenchSystem {
  readonly name: SystemName;
  /** @throws {ChatError} why it cannot be measured here: that becomes the run's problem, and the others go on */
  start(needs: SystemNeeds): Promise<StartedSystem>;
}

export interface SystemNeeds {
  /** How many accounts there are to be: sessions that a workload opens, each of somebody else. */
  readonly users: number;
  /** The data folder for chatd's server, instead of a new one. It stays. */
  readonly folder?: string;
  /** Changes the data folder of chatd's server before it starts; there is one only where the server is the bench's own. */
  fill?(folder: string, accounts: readonly Account[]): Promise<void>;
}

/** Runs, and is its starter's; disposing of it ends its sessions and the processes that were started for it. */
export interface StartedSystem extends AsyncDisposable {
  readonly processes: MeasuredProcesses;
  /** Rejects when a process of it ends before it is told to: nobody needs to wait for figures any more. */
  readonly failed: Promise<never>;
  /** Sends that were put off so far. */
  readonly postponed: number;
  /** Connects somebody who writes to somebody; `delivered` is called for each message, with its age in milliseconds. */
  connectPair(delivered: (latencyMs: number) => void): Promise<Pair>;
  /** Connects one more who does nothing. Resolves when the session is as good as it gets. */
  connectIdle(): Promise<void>;
  /** Logs one more in, as a real client; undefined for limits, where nobody has a name. */
  readonly join?: (onEvent: (event: ClientEvent) => void) => Promise<ChatUser>;
}

/** Ids; undefined where there is none, or where it is not known. */
export interface MeasuredProcesses {
  readonly server?: number;
  readonly broker?: number;
}

export interface Pair {
  /**
   * Sends 100 bytes. Resolves when the sender need not keep them any more: accepted by chatd, confirmed by a broker,
   * delivered by a relay, which says nothing else.
   */
  send(): Promise<void>;
}

/** What is done on each system, one run after the other. */
export interface Workload {
  readonly name: WorkloadName;
  /** For people: "10 pairs, 64 messages in flight each". */
  readonly title: string;
  readonly users: number;
  /** It is about what only a chat has, and has no limit. */
  readonly needsChat?: boolean;
  /** Why it cannot be done there; undefined when it can. */
  refuses?(system: SystemName, options: { serverIsOwn: boolean }): string | undefined;
  /** Makes what all runs share, once and before the first. @throws {ChatError} why it cannot be measured here */
  prepare?(options: PrepareOptions): Promise<Prepared>;
  /** Writes to the data folder of each run, where the server is the bench's own. */
  fill?(folder: string, accounts: readonly Account[]): Promise<void>;
  /** @throws {ChatError} when it cannot be finished */
  run(system: StartedSystem, options: RunOptions): Promise<Figures>;
}

/** What a workload can be told about a store that is full. */
export interface StoreOptions {
  /** How many messages it is to hold. */
  readonly messages: number;
  /** Where it is kept for other benches; it is made and removed by this one unless given. */
  readonly storeFolder?: string;
}

export interface PrepareOptions extends StoreOptions {
  /** A name for a new folder, which is removed at the end. */
  newFolder(): Promise<string>;
  progress(words: string): void;
}

export interface Prepared {
  /** A data folder that servers have one after the other. */
  readonly folder: string;
  /** What W5 says of it. */
  readonly stored: number;
  /** Messages a second, if it was filled now. */
  readonly filledPerSecond?: number;
}

export interface RunOptions {
  /** What the workload prepared. */
  readonly prepared?: Prepared;
  /** How long to measure, for workloads that are about a rate. */
  readonly seconds: number;
  /** Says in a few words how far it is; shown while it runs. */
  progress(words: string): void;
}
