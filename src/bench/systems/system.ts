import type { Hello, HelloResponse } from "../../gen/chatd/v1/session.ts";
import type { RawSession, RawSessionOptions } from "../driver/raw_session.ts";
import type { Figures, SystemName, WorkloadName } from "../result.ts";
import type { Store } from "../../store/store.ts";
import type { Account } from "./accounts.ts";

/** A system that carries messages. Workloads use only this interface, so that all systems do the same work. */
export interface BenchSystem {
  readonly name: SystemName;
  /**
   * Starts the system.
   * @throws {ChatError} with the reason why it cannot be measured here, which becomes the run's problem
   */
  start(needs: SystemNeeds): Promise<StartedSystem>;
}

export interface SystemNeeds {
  /** The number of accounts: one for each session of the workload. */
  readonly users: number;
  /** The data folder for chatd's server, which stays; a new one unless given. */
  readonly folder?: string;
  /** Changes the store before the server starts; only for servers that the bench starts. */
  fill?(store: Store, accounts: readonly Account[]): Promise<void>;
}

/** A running system. Its starter disposes of it, which ends its sessions and processes. */
export interface StartedSystem extends AsyncDisposable {
  readonly processes: MeasuredProcesses;
  /** Rejects when a process ends before it is told to: there will be no figures. */
  readonly failed: Promise<never>;
  /** Sends that were postponed so far. */
  readonly postponed: number;
  /** Connects a sender and a receiver. */
  connectPair(events: ConnectionEvents): Promise<Sender>;
  /** Connects an idle session. Resolves when it is fully established. */
  connectIdle(): Promise<void>;
  /** Connects a new user, who receives and sends messages to a conversation; undefined for limits, which have no users. */
  connectUser?(events: ConnectionEvents & { readonly to: string }): Promise<Sender>;
  /** Users in raw frames; undefined for other systems. */
  readonly users?: UserSessions;
}

export interface ConnectionEvents {
  /** A message arrived. @param stamp its stamp, in microseconds of `performance.now()` */
  onDelivered(stamp: number): void;
  /** The sender may forget a number of messages: chatd accepted them, or a relay or broker confirmed them. */
  onAccepted(count: number): void;
}

/** Sessions of users who do more than sending and receiving. */
export interface UserSessions {
  /** Returns a user without a session. @throws {ChatError} */
  account(): Promise<Account>;
  /** Opens a session, which its opener may close. @throws {ChatError} */
  open(account: Account, options: UserSessionOptions): Promise<{ session: RawSession; hello: HelloResponse }>;
}

export type UserSessionOptions =
  & Pick<RawSessionOptions, "ackClock" | "onMessage" | "onAccepted" | "onAnswered">
  & { readonly hello?: Partial<Hello> };

export interface Sender {
  /** Sends a number of messages of 100 bytes. @returns the stamp of all of them */
  send(count: number): number;
}

/** Process ids; undefined for a process that does not exist or is not known. */
export interface MeasuredProcesses {
  readonly server?: number;
  readonly broker?: number;
  /** The postmaster, the parent of all processes of the database's server. */
  readonly database?: number;
}

/** The work that is done on each system, one run at a time. */
export interface Workload {
  readonly name: WorkloadName;
  /** A title for people, such as "10 pairs, 64 messages in flight each". */
  readonly title: string;
  readonly users: number;
  readonly systems: readonly SystemName[];
  /** A sentence about the other systems; empty when there are none. */
  readonly leavesOut: string;
  /** Returns why the workload cannot run on a system; undefined when it can. */
  refuses?(system: SystemName, options: { serverIsOwn: boolean }): string | undefined;
  /**
   * Prepares data that all runs share, once before the first.
   * @throws {ChatError} with the reason why it cannot be measured here
   */
  prepare?(options: PrepareOptions): Promise<Prepared>;
  /** Fills the store of each run, for servers that the bench starts. */
  fill?(store: Store, accounts: readonly Account[]): Promise<void>;
  /** Runs the workload. @throws {ChatError} when it fails */
  run(system: StartedSystem, options: RunOptions): Promise<Figures>;
}

/** Options of the full store of W5. */
export interface StoreOptions {
  /** The number of messages in the store. */
  readonly messages: number;
  /** The folder that keeps the store for other benches; a temporary one unless given. */
  readonly storeFolder?: string;
}

export interface PrepareOptions extends StoreOptions {
  /** Returns the path of a new folder, which is removed at the end. */
  newFolder(): Promise<string>;
  progress(words: string): void;
}

export interface Prepared {
  /** A data folder that servers use one after the other. */
  readonly folder: string;
  /** The messages in the folder. */
  readonly stored: number;
  /** Messages a second while the folder was filled; undefined when it was full before. */
  readonly filledPerSecond?: number;
}

export interface RunOptions {
  /** The result of `prepare`. */
  readonly prepared?: Prepared;
  /** How long to measure a rate. */
  readonly seconds: number;
  /** Shows the progress in a few words. */
  progress(words: string): void;
}
