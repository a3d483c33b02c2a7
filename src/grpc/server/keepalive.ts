import type { ClientConnection } from "./client_connection.ts";

/** Interval of checks of a connection, in milliseconds. */
const tickMs = 5_000;
/** Interval of the parts of a check, in milliseconds: pinging thousands of peers at once would hold up everything else. */
const partMs = 100;
const mostParts = 40;
const smallestPart = 50;
/** Silent checks before a ping, and before the connection is closed. */
const askAfter = 2;
const giveUpAfter = 4;

/**
 * Finds peers that vanished: pings those that were silent for 10 s, and closes those that do not answer within 10 s.
 */
export class Keepalive implements Disposable {
  readonly #connections: ReadonlySet<ClientConnection>;
  #timer: ReturnType<typeof setTimeout>;

  /** Starts checking. @param connections the connections that are open at each time */
  constructor(connections: ReadonlySet<ClientConnection>) {
    this.#connections = connections;
    this.#timer = setTimeout(() => this.#check(), tickMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    const due = [...this.#connections];
    const partSize = Math.max(smallestPart, Math.ceil(due.length / mostParts));
    this.#checkParts(due, { partSize, nextAt: performance.now() + tickMs });
  }

  /** Checks a part of the connections now, and the rest in parts after it. */
  #checkParts(due: ClientConnection[], plan: { partSize: number; nextAt: number }): void {
    for (const connection of due.splice(0, plan.partSize)) {
      if (this.#connections.has(connection)) checkOne(connection);
    }
    this.#timer = due.length > 0
      ? setTimeout(() => this.#checkParts(due, plan), partMs)
      : setTimeout(() => this.#check(), Math.max(0, plan.nextAt - performance.now()));
  }
}

function checkOne(connection: ClientConnection): void {
  const { http2 } = connection;
  if (http2 === undefined) return;
  const ticks = ++connection.silentTicks;
  if (ticks > giveUpAfter) connection.close();
  else if (ticks === askAfter + 1) http2.ping(() => {});
}
