import { type ChatErrorCode, toChatError } from "./chat_error.ts";

/** How a login was made: by a client, by registering, or through the broker. */
export type LoginWay = "log_in" | "register" | "broker";

export interface Commit {
  /** Messages that were accepted. */
  readonly messages: number;
  /** Other entries of conversations: edits, reactions, events of rooms. */
  readonly events: number;
  /** All changes in the transaction, including read positions and resends. */
  readonly changes: number;
  readonly seconds: number;
}

/**
 * Counts events for monitoring. Calls take well under a microsecond and never throw. Labels contain no names of users,
 * rooms or devices.
 */
export interface Metrics {
  sessionBegan(transport: string): void;
  /** @param reason undefined when the client left */
  sessionEnded(transport: string, reason: ChatErrorCode | undefined): void;
  /** Counts a transaction on disk. */
  committed(commit: Commit): void;
  /**
   * Counts the delivery of an entry, accepted at `acceptedAt` (milliseconds since the Unix epoch), to a session that
   * was already live.
   */
  delivered(acceptedAt: number): void;
  /** Counts a request that was answered with an error. */
  refused(transport: string, code: ChatErrorCode): void;
  loggedIn(way: LoginWay, outcome: "accepted" | ChatErrorCode): void;
  /** Counts a completed upload. */
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

/** Runs a login and counts its outcome; a result of `false` counts as refused. */
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
