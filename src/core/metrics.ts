import { type ChatErrorCode, toChatError } from "./chat_error.ts";

/** How somebody showed who they are: as a client, as a new user, or as a user to the broker. */
export type LoginWay = "log_in" | "register" | "broker";

export interface Commit {
  /** Messages that were accepted. */
  readonly messages: number;
  /** Other entries of conversations: edits, reactions, what happened to rooms. */
  readonly events: number;
  /** All that was asked to be written, positions of readers and resends included. */
  readonly changes: number;
  readonly seconds: number;
}

/**
 * Where the server counts what happens, for whoever watches it. Calls take well under a microsecond and throw nothing. What is
 * counted has no names of people, rooms or devices.
 */
export interface Metrics {
  sessionBegan(transport: string): void;
  /** @param reason undefined when the client left */
  sessionEnded(transport: string, reason: ChatErrorCode | undefined): void;
  /** A transaction is on disk. */
  committed(commit: Commit): void;
  /** An entry that was accepted at `acceptedAt` (milliseconds since the Unix epoch) went out to a session that lived already. */
  delivered(acceptedAt: number): void;
  /** A request was answered with an error. */
  refused(transport: string, code: ChatErrorCode): void;
  loggedIn(way: LoginWay, outcome: "accepted" | ChatErrorCode): void;
  /** A file has arrived whole. */
  uploaded(bytes: number): void;
}

export const silentMetrics: Metrics = {
  sessionBegan() {},
  sessionEnded() {},
  committed() {},
  delivered() {},
  refused() {},
  loggedIn() {},
  uploaded() {},
};

/** Runs a login and counts how it ended; one that resolves with `false` was refused. */
export async function countLogin<T>(metrics: Metrics, way: LoginWay, logIn: () => Promise<T>): Promise<T> {
  try {
    const result = await logIn();
    metrics.loggedIn(way, result === false ? "unauthenticated" : "accepted");
    return result;
  } catch (error) {
    metrics.loggedIn(way, toChatError(error).code);
    throw error;
  }
}
