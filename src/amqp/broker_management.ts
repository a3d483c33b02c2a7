import type { Accounts } from "../core/accounts.ts";
import { ChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { pause } from "../core/pause.ts";
import type { BrokerLogin } from "./broker_address.ts";
import { registrationUser } from "./topology.ts";

export interface BrokerManagementOptions {
  /** Of the management plugin: "http://127.0.0.1:15672". */
  readonly url: string;
  /** Of a broker user with the tag `administrator`. */
  readonly login: BrokerLogin;
  /** PEM; trusted besides the system's roots. */
  readonly ca?: string;
  readonly log: Log;
  /** Of one request, in milliseconds; 5000 unless given. */
  readonly timeoutMs?: number;
  /** Between {@link BrokerManagement.kick} and the closing, so that a client can read why; in milliseconds, 250 unless given. */
  readonly graceMs?: number;
}

/** All connections of a user, or those that their client calls so. */
export interface KickTarget {
  readonly user: string;
  readonly connection?: string;
}

/** How long somebody without an account may stay, and how often that is looked after, in milliseconds. */
const strangerAgeMs = 60_000;
const strangerCheckMs = 30_000;
/** How often and how long to look for a connection by its client's name: the broker lists it after 5 s at most. */
const lookIntervalMs = 1_000;
const looks = 8;
/** Kicks that are being done at once; more are dropped, because each would be refused at its next request anyway. */
const maxKicks = 64;

/** The management plugin's HTTP API (https://www.rabbitmq.com/docs/management#http-api), as far as chatd needs it. */
export class BrokerManagement implements AsyncDisposable {
  readonly #options: BrokerManagementOptions;
  readonly #client: Deno.HttpClient;
  readonly #closed = new AbortController();
  readonly #kicks = new Map<string, { now: Promise<void>; next?: Promise<void> }>();
  #isReachable = true;

  constructor(options: BrokerManagementOptions) {
    this.#options = options;
    this.#client = Deno.createHttpClient(options.ca === undefined ? {} : { caCerts: [options.ca] });
  }

  /**
   * Closes connections. Never rejects: when it cannot be done, the log says so once. Those who register share one name, and
   * are never kicked by it. The same kick, asked for again while it is being done, is done once more after that.
   */
  kick(target: KickTarget): Promise<void> {
    if (target.user === registrationUser || target.user === this.#options.login.user) return Promise.resolve();
    const key = JSON.stringify([target.user, target.connection]);
    const running = this.#kicks.get(key);
    if (running !== undefined) return running.next ??= running.now.then(() => this.kick(target));
    if (this.#kicks.size >= maxKicks) return Promise.resolve();
    const now = this.#kick(target).finally(() => this.#kicks.delete(key));
    this.#kicks.set(key, { now });
    return now;
  }

  /** Kicks whoever is disabled, or gets another password from the operator, and strangers who stay; until {@link close}. */
  guard(accounts: Pick<Accounts, "onRevoked">): void {
    accounts.onRevoked(({ user, deviceId, exceptDeviceId }) => {
      if (deviceId === undefined && exceptDeviceId === undefined) void this.kick({ user });
    });
    void this.#guardStrangers();
  }

  /** Closes connections of those who register that are older than `ageMs`. Never rejects. */
  async closeStrangers({ ageMs }: { ageMs: number }): Promise<void> {
    await this.#try(async () => {
      for (const name of await this.#connectionsOf(registrationUser)) {
        const { connected_at: since } = await this.#connection(name, "connected_at") ?? {};
        if (typeof since === "number" && Date.now() - since > ageMs) await this.#closeConnection(name);
      }
    });
  }

  /**
   * What the plugin shows under `path`, "/api/overview" say; undefined where there is nothing.
   * @throws {ChatError} `unavailable`, `unauthenticated`
   */
  async get(path: string): Promise<unknown> {
    const response = await this.#ask("GET", path);
    return response === undefined ? undefined : JSON.parse(response);
  }

  /** How many connections a user has now; 0 when that cannot be found out, which is logged. Never rejects. */
  async countConnections(user: string): Promise<number> {
    let count = 0;
    await this.#try(async () => {
      count = (await this.#connectionsOf(user)).length;
    });
    return count;
  }

  /** Breaks off what is being done. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    await Promise.all(Array.from(this.#kicks.values(), ({ now }) => now));
    this.#client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #guardStrangers(): Promise<void> {
    while (await pause(strangerCheckMs, this.#closed.signal)) await this.closeStrangers({ ageMs: strangerAgeMs });
  }

  async #kick({ user, connection }: KickTarget): Promise<void> {
    if (!await pause(this.#options.graceMs ?? 250, this.#closed.signal)) return;
    if (connection === undefined) {
      await this.#try(async () => {
        await this.#ask("DELETE", `/api/connections/username/${encodeURIComponent(user)}`);
      });
      return;
    }
    for (let look = 0; look < looks; look++) {
      if (await this.#try(() => this.#closeNamed(user, connection))) return;
      if (!await pause(lookIntervalMs, this.#closed.signal)) return;
    }
  }

  /** @returns whether there is nothing left to look for. */
  async #closeNamed(user: string, connection: string): Promise<boolean> {
    let isListed = true;
    let isClosed = false;
    for (const name of await this.#connectionsOf(user)) {
      const found = await this.#connection(name, "user_provided_name");
      if (found === undefined) isListed = false;
      if (found?.user_provided_name !== connection) continue;
      await this.#closeConnection(name);
      isClosed = true;
    }
    return isClosed || isListed;
  }

  async #connectionsOf(user: string): Promise<string[]> {
    const found = await this.get(`/api/connections/username/${encodeURIComponent(user)}`) ?? [];
    return (found as { name: string }[]).map(({ name }) => name);
  }

  /** Undefined while the broker has not listed it yet. */
  async #connection(name: string, column: string): Promise<Record<string, unknown> | undefined> {
    const path = `/api/connections/${encodeURIComponent(name)}?columns=${column}`;
    return await this.get(path) as Record<string, unknown> | undefined;
  }

  async #closeConnection(name: string): Promise<void> {
    await this.#ask("DELETE", `/api/connections/${encodeURIComponent(name)}`);
  }

  /** @returns what `task` does; true when it failed, which was logged. */
  async #try(task: () => Promise<boolean | void>): Promise<boolean> {
    try {
      const result = await task();
      this.#isReachable = true;
      return result ?? true;
    } catch (error) {
      if (this.#closed.signal.aborted) return true;
      if (this.#isReachable) {
        this.#options.log.warn(
          "connections to the broker cannot be counted or closed; requests of who was thrown out are refused",
          {
            management: this.#options.url,
            reason: error instanceof Error ? error.message : String(error),
          },
        );
      }
      this.#isReachable = false;
      return true;
    }
  }

  /** Undefined when there is no such thing. */
  async #ask(method: "GET" | "DELETE", path: string): Promise<string | undefined> {
    const { url, login, timeoutMs = 5_000 } = this.#options;
    const credentials = new TextEncoder().encode(`${login.user}:${login.password}`).toBase64();
    const headers = { authorization: `Basic ${credentials}`, "x-reason": "Closed by chatd" };
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeoutMs)]);
    let response: { status: number; text: string };
    try {
      const answer = await fetch(new URL(path, url), { method, headers, signal, client: this.#client });
      response = { status: answer.status, text: await answer.text() };
    } catch (cause) {
      throw new ChatError("unavailable", `The management of RabbitMQ at ${url} cannot be reached: ${why(cause)}`, {
        cause,
      });
    }
    const { status, text } = response;
    if (status === 404) return undefined;
    if (status >= 200 && status < 300) return text;
    if (status === 401) {
      throw new ChatError(
        "unauthenticated",
        `The management of RabbitMQ at ${url} refused "${login.user}": the user needs the tag "administrator" ` +
          `(rabbitmqctl set_user_tags ${login.user} administrator).`,
      );
    }
    throw new ChatError("unavailable", `The management of RabbitMQ at ${url} answered ${status}.`);
  }
}

function why(cause: unknown): string {
  if (cause instanceof Error && cause.name === "TimeoutError") return "it does not answer";
  const reason = cause instanceof Error ? cause.cause ?? cause : cause;
  return reason instanceof Error ? reason.message : String(reason);
}
