import type { Accounts } from "../../core/accounts/accounts.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { pause } from "../../core/pause.ts";
import type { BrokerLogin } from "../connection/broker_address.ts";
import { registrationUser } from "../topology.ts";
import { requestManagement } from "./management_http.ts";

export interface BrokerManagementOptions {
  /** URL of the management plugin, such as "http://127.0.0.1:15672". */
  readonly url: string;
  /** A broker user with the tag `administrator`. */
  readonly login: BrokerLogin;
  /** PEM certificates that replace the system's roots. */
  readonly ca?: string;
  readonly log: Log;
  /** Timeout of one request, in milliseconds; 5000 unless given. */
  readonly timeoutMs?: number;
  /**
   * Time between {@link BrokerManagement.kick} and the closing, for the client to read the reason; in milliseconds, 250
   * unless given.
   */
  readonly graceMs?: number;
}

/** All connections of a user, or only those with this client-provided name. */
export interface KickTarget {
  readonly user: string;
  readonly connection?: string;
}

/** Time between the reason and the closing of a connection, in milliseconds. */
export const standardGraceMs = 250;
/** Longest life of a stranger's connection, and the interval of checks, in milliseconds. */
export const strangerAgeMs = 60_000;
const strangerCheckMs = 30_000;
/** Interval and number of searches for a connection by its client-provided name: the broker lists it within 5 s. */
const searchIntervalMs = 1_000;
const searchAttempts = 8;
/**
 * Users whose named connections are searched for at once; further ones are dropped, as their next request is refused
 * anyway.
 */
const maxSearches = 64;
/** Names searched for at once, of one user. */
const maxNames = 128;
/** Attempts to stop tracing, which slows the broker down, and their interval in milliseconds. */
const maxStopAttempts = 5;
const stopIntervalMs = 1_000;

/** Stands for a connection that RabbitMQ kills after 3 s or more, because its client does not read. */
const stuck = "stuck";

/**
 * The part of the management plugin's HTTP API (https://www.rabbitmq.com/docs/management#http-api) that chatd needs.
 */
export class BrokerManagement implements AsyncDisposable {
  readonly #options: BrokerManagementOptions;
  readonly #closed = new AbortController();
  /** Running and following kicks by user. */
  readonly #kicks = new Map<string, { now: Promise<void>; next?: Promise<void> }>();
  readonly #searches = new Map<string, { names: Set<string>; now: Promise<void> }>();
  #isReachable = true;
  #tracing: Promise<unknown> | undefined;

  constructor(options: BrokerManagementOptions) {
    this.#options = options;
  }

  /**
   * Closes connections. Never rejects: a failure is logged, once until a request succeeds. Registering clients share
   * one name and are never kicked by it. A repeated call for all connections of a user runs once more after the current
   * one.
   */
  kick({ user, connection }: KickTarget): Promise<void> {
    if (user === registrationUser || user === this.#options.login.user) return Promise.resolve();
    return connection === undefined ? this.#kickAll(user) : this.#kickNamed(user, connection);
  }

  #kickAll(user: string): Promise<void> {
    const running = this.#kicks.get(user);
    if (running !== undefined) return running.next ??= running.now.then(() => this.#kickAll(user));
    const now = this.#closeAll(user).finally(() => this.#kicks.delete(user));
    this.#kicks.set(user, { now });
    return now;
  }

  /** Runs one search per user, which covers all names requested meanwhile. */
  #kickNamed(user: string, name: string): Promise<void> {
    const running = this.#searches.get(user);
    if (running !== undefined) {
      if (running.names.size < maxNames) running.names.add(name);
      return running.now;
    }
    if (this.#searches.size >= maxSearches) return Promise.resolve();
    const names = new Set([name]);
    const now = this.#searchNamed(user, names);
    this.#searches.set(user, { names, now });
    return now;
  }

  /**
   * Closes the connection with this name in the broker's lists, after its client had time to read the last message.
   * Never rejects.
   */
  async closeConnection(name: string): Promise<void> {
    if (!await this.#waitGrace()) return;
    let isClosed = false;
    const close = async () => {
      isClosed = await this.#closeConnection(name);
    };
    for (let attempt = 0; attempt < searchAttempts && !isClosed; attempt++) {
      if (attempt > 0 && !await pause(searchIntervalMs, this.#closed.signal)) return;
      if (!await this.#succeeds(close)) return;
    }
  }

  /**
   * Makes the broker copy published messages to its trace exchange (https://www.rabbitmq.com/docs/firehose) while
   * `task` runs. Rejects only when `task` does.
   * @param task must end by itself within seconds
   * @returns whether it ran
   */
  whileTracing(vhost: string, task: () => Promise<void>): Promise<boolean> {
    const tracing = this.#trace(vhost, task);
    this.#tracing = tracing;
    return tracing;
  }

  async #trace(vhost: string, task: () => Promise<void>): Promise<boolean> {
    const path = `/api/vhosts/${encodeURIComponent(vhost)}`;
    let current: Record<string, unknown> | undefined;
    await this.#reportErrors(async () => {
      current = await this.get(path) as Record<string, unknown> | undefined;
    });
    if (current === undefined) return false;
    const { description, tags, tracing, default_queue_type: type } = current;
    // A PUT resets every setting that it does not include; RabbitMQ reports an unset one as "undefined".
    const kept = {
      description,
      tags,
      ...(typeof type === "string" && type !== "undefined" && { default_queue_type: type }),
    };
    // The operator is tracing already; leave it on.
    if (tracing === true) return await task().then(() => true);
    const set = (tracing: boolean) =>
      this.#succeeds(() => this.#request("PUT", path, JSON.stringify({ ...kept, tracing })));
    try {
      if (!await set(true)) return false;
      await task();
      return true;
    } finally {
      let left = maxStopAttempts;
      while (!await set(false) && --left > 0 && await pause(stopIntervalMs, this.#closed.signal));
    }
  }

  /** Kicks users after the operator disabled them or set their password, and lingering strangers; until {@link close}. */
  guard(accounts: Pick<Accounts, "onRevoked">): void {
    accounts.onRevoked(({ user, deviceId, exceptDeviceId }) => {
      if (deviceId === undefined && exceptDeviceId === undefined) void this.kick({ user });
    });
    void this.#guardStrangers();
  }

  /** Closes connections of registering clients that are older than `ageMs`. Never rejects. */
  async closeStrangers({ ageMs }: { ageMs: number }): Promise<void> {
    await this.#reportErrors(async () => {
      for (const name of await this.#connectionsOf(registrationUser)) {
        const { connected_at: since } = await this.#readConnection(name, "connected_at") ?? {};
        if (typeof since === "number" && Date.now() - since > ageMs) await this.#closeConnection(name);
      }
    });
  }

  /**
   * Reads `path` of the plugin, such as "/api/overview"; undefined when it is not found.
   * @throws {ChatError} `unavailable`, `unauthenticated`
   */
  async get(path: string): Promise<unknown> {
    const response = await this.#request("GET", path);
    return response === undefined ? undefined : JSON.parse(response);
  }

  /** Returns the number of a user's connections; undefined when unknown, which is logged. Never rejects. */
  async countConnections(user: string): Promise<number | undefined> {
    let count: number | undefined;
    await this.#reportErrors(async () => {
      count = (await this.#connectionsOf(user)).length;
    });
    return count;
  }

  /** Aborts work in progress. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    // The caller of `whileTracing` receives its failure.
    await this.#tracing?.catch(() => {});
    this.#closed.abort();
    await Promise.all([...this.#kicks.values(), ...this.#searches.values()].map(({ now }) => now));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #guardStrangers(): Promise<void> {
    while (await pause(strangerCheckMs, this.#closed.signal)) await this.closeStrangers({ ageMs: strangerAgeMs });
  }

  #waitGrace(): Promise<boolean> {
    return pause(this.#options.graceMs ?? standardGraceMs, this.#closed.signal);
  }

  async #closeAll(user: string): Promise<void> {
    if (!await this.#waitGrace()) return;
    const path = `/api/connections/username/${encodeURIComponent(user)}`;
    await this.#reportErrors(async () => {
      if (!await this.#request("DELETE", path)) return;
      // The broker closes connections one by one, and got stuck at one whose client does not read.
      await Promise.all((await this.#connectionsOf(user)).map((name) => this.#closeConnection(name)));
    });
  }

  async #searchNamed(user: string, names: Set<string>): Promise<void> {
    const attempts = new Map<string, number>();
    try {
      if (!await this.#waitGrace()) return;
      while (names.size > 0) {
        if (!await this.#succeeds(() => this.#closeNamed(user, names))) return;
        for (const name of names) {
          const count = (attempts.get(name) ?? 0) + 1;
          attempts.set(name, count);
          if (count >= searchAttempts) names.delete(name);
        }
        if (names.size > 0 && !await pause(searchIntervalMs, this.#closed.signal)) return;
      }
    } finally {
      // In the same turn as the last check of the names: none can be added in between.
      this.#searches.delete(user);
    }
  }

  /** Closes matching connections, and removes from `names` those that need no further search. */
  async #closeNamed(user: string, names: Set<string>): Promise<void> {
    const wanted = new Set(names);
    let areListed = true;
    for (const connection of await this.#connectionsOf(user)) {
      const found = await this.#readConnection(connection, "user_provided_name");
      if (found === undefined) areListed = false;
      const name = String(found?.user_provided_name);
      if (!wanted.has(name)) continue;
      await this.#closeConnection(connection);
      names.delete(name);
    }
    // A connection that did not exist at the time of the request is no longer searched for.
    if (areListed) wanted.forEach((name) => names.delete(name));
  }

  async #connectionsOf(user: string): Promise<string[]> {
    const found = await this.get(`/api/connections/username/${encodeURIComponent(user)}`) ?? [];
    return (found as { name: string }[]).map(({ name }) => name);
  }

  /** Returns one column of a connection; undefined while the broker does not list it. */
  async #readConnection(name: string, column: string): Promise<Record<string, unknown> | undefined> {
    const path = `/api/connections/${encodeURIComponent(name)}?columns=${column}`;
    return await this.get(path) as Record<string, unknown> | undefined;
  }

  /** Closes a connection. @returns whether the broker lists it */
  async #closeConnection(name: string): Promise<boolean> {
    return await this.#request("DELETE", `/api/connections/${encodeURIComponent(name)}`) !== undefined;
  }

  async #succeeds(task: () => Promise<unknown>): Promise<boolean> {
    let done = false;
    await this.#reportErrors(async () => {
      await task();
      done = true;
    });
    return done;
  }

  /** Runs a task and logs its failure, once until a task succeeds. */
  async #reportErrors(task: () => Promise<void>): Promise<void> {
    try {
      await task();
      this.#isReachable = true;
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      if (this.#isReachable) {
        this.#options.log.warn(
          "cannot count or close connections to the broker; requests of disconnected users are still refused",
          {
            management: this.#options.url,
            reason: error instanceof Error ? error.message : String(error),
          },
        );
      }
      this.#isReachable = false;
    }
  }

  /** Sends a request. @returns undefined for 404; {@link stuck} when a connection does not close in order */
  async #request(method: "GET" | "DELETE" | "PUT", path: string, body?: string): Promise<string | undefined> {
    const { url, login, ca, timeoutMs = 5_000 } = this.#options;
    const credentials = new TextEncoder().encode(`${login.user}:${login.password}`).toBase64();
    const headers = {
      authorization: `Basic ${credentials}`,
      "x-reason": "Closed by chatd",
      "content-type": "application/json",
    };
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeoutMs)]);
    let response: { status: number; text: string };
    try {
      response = await requestManagement(new URL(path, url), { method, headers, body, ca, signal });
    } catch (cause) {
      if (method === "DELETE" && isTimeout(cause)) return stuck;
      throw new ChatError(
        "unavailable",
        `Cannot reach the management plugin of RabbitMQ at ${url}: ${reasonOf(cause)}`,
        {
          cause,
        },
      );
    }
    const { status, text } = response;
    if (status === 404) return undefined;
    if (status === 500 && method === "DELETE") return stuck;
    if (status >= 200 && status < 300) return text;
    if (status === 401) {
      throw new ChatError(
        "unauthenticated",
        `The management plugin of RabbitMQ at ${url} refused "${login.user}": the user needs the tag "administrator" ` +
          `(rabbitmqctl set_user_tags ${login.user} administrator).`,
      );
    }
    throw new ChatError("unavailable", `The management plugin of RabbitMQ at ${url} answered ${status}.`);
  }
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && cause.name === "TimeoutError";
}

function reasonOf(cause: unknown): string {
  if (isTimeout(cause)) return "it does not answer";
  const reason = cause instanceof Error ? cause.cause ?? cause : cause;
  return reason instanceof Error ? reason.message : String(reason);
}
