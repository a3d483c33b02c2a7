import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Accounts, Registration } from "../../core/accounts/accounts.ts";
import { parseNewUserName } from "../../core/accounts/user_name.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { TokenBuckets } from "../../core/token_bucket.ts";
import type { SessionQueues } from "../server/session_queues.ts";
import {
  fileExchange,
  invitationUser,
  registrationExchange,
  registrationUser,
  requestExchange,
  statusUser,
} from "../topology.ts";
import { ConnectionCounts } from "./connection_counts.ts";
import type { RefusedLogins } from "./refused_logins.ts";

/**
 * An answer to RabbitMQ, which knows only "allow" and "deny". A "busy" login is allowed with this word as a tag, and
 * denied at the next question, about the virtual host, which includes the tag. Clients see 403 for a wrong password and
 * 530 for "busy".
 */
export type Decision = "allow" | "deny" | "busy";

/** Broker user that checks whether the broker asks chatd and restricts clients. No account can have this name. */
export const inspectorUser = "_inspector";

/** Derives the password of {@link inspectorUser} from the endpoint's secret. */
export function inspectorPassword(secret: string): string {
  return createHash("sha256").update(`inspector ${secret}`).digest("hex");
}

export interface BrokerAuthorityOptions {
  readonly accounts: Accounts;
  /** Registration mode over the broker; the accounts may be stricter. */
  readonly registration: Registration;
  readonly sessionQueues: Pick<SessionQueues, "ownerOf">;
  /** The broker user of the server itself, which is never a chat user. */
  readonly internalUser: string;
  /** The virtual host of chatd; "/" unless given. */
  readonly vhost?: string;
  /** Password of {@link inspectorUser}; without it, that login is refused. */
  readonly inspectorPassword?: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Returns the number of a user's connections to the broker; undefined when unknown. Without it, only the rate of
   * logins bounds them.
   */
  countConnections?(user: string): Promise<number | undefined>;
  /** Users and addresses that are refused for a while. */
  readonly refused?: Pick<RefusedLogins, "hasUser" | "hasAddress">;
  /** Called when a user asks for far more than clients do; their connections should be closed. */
  onFlood?(user: string): void;
}

/** Fields of a question from RabbitMQ; see the README of its plugin rabbitmq_auth_backend_http. */
export type Question = Readonly<Record<string, string>>;

const busyTag = "busy";
/** Concurrent password checks of one name; further ones get "busy". */
export const maxChecksOfName = 2;
/** Connections of one user. A process has one, and one more while it logs in. */
export const maxConnections = 100;
/** Logins without an account, by all strangers together. */
export const loginsOfStrangers = { burst: 20, perSecond: 1 };
const tokenPattern = /^[A-Za-z0-9_-]{43}$/;

/**
 * Decides who may log in to the broker, and the permissions there. Accounts may write to the exchanges for requests and
 * files, and read the queues of their own live sessions. Strangers may write to the registration exchange. No client
 * may configure anything.
 */
export class BrokerAuthority {
  readonly #options: BrokerAuthorityOptions;
  readonly #vhost: string;
  readonly #checks = new Map<string, number>();
  readonly #connections: ConnectionCounts | undefined;
  /** Successful logins of each user. */
  readonly #logins = new TokenBuckets({ burst: 128, perSecond: 2 });
  readonly #registrations = new TokenBuckets(loginsOfStrangers);
  /** Questions about permissions of each user; the broker caches the answers for a while. */
  readonly #grants = new TokenBuckets({ burst: 512, perSecond: 128 });
  readonly #handlers: Readonly<Record<string, (question: Question) => Promise<Decision> | Decision>> = {
    user: (question) => this.#decideLogin(question),
    vhost: (question) => this.#decideVhost(question),
    resource: (question) => this.#decidePermission(question),
    // Clients have no topic exchange to use.
    topic: () => "deny",
  };

  constructor(options: BrokerAuthorityOptions) {
    this.#options = options;
    this.#vhost = options.vhost ?? "/";
    const { clock, countConnections: count } = options;
    this.#connections = count && new ConnectionCounts({ max: maxConnections, clock, count });
  }

  /** Answers a question. @param kind its subject: "user", "vhost", "resource" or "topic" */
  async decide(kind: string, question: Question): Promise<Decision> {
    try {
      if (!Object.hasOwn(this.#handlers, kind)) return "deny";
      return await this.#handlers[kind](question);
    } catch (error) {
      if (error instanceof ChatError && (error.code === "busy" || error.code === "rate_limited")) return "busy";
      this.#options.log.error("cannot answer a question of the broker", { kind, user: question.username, error });
      return "busy";
    }
  }

  async #decideLogin({ username = "", password = "" }: Question): Promise<Decision> {
    if (username === registrationUser) return await this.#admitStranger(password);
    if (username === inspectorUser) return this.#isInspector(password) ? "allow" : "deny";
    if (username === statusUser) return "busy";
    if (username === invitationUser) return this.#options.registration === "invite" ? "busy" : "deny";
    if (!this.#mayBeAccount(username)) return "deny";
    // Clients discard a token that is denied, and keep it when chatd is busy.
    if (this.#options.refused?.hasUser(username)) return "busy";
    if (!await this.#isAuthentic(username, password)) return "deny";
    if (!this.#take(this.#logins, username)) return "busy";
    return await this.#connections?.admits(username) === false ? "busy" : "allow";
  }

  async #admitStranger(invite: string): Promise<Decision> {
    if (this.#options.registration === "closed") return "deny";
    if (!await this.#options.accounts.mayRegister(invite)) return "deny";
    return this.#take(this.#registrations, "") ? "allow" : "busy";
  }

  #isInspector(password: string): boolean {
    const { inspectorPassword } = this.#options;
    if (inspectorPassword === undefined) return false;
    const [given, wanted] = [Buffer.from(password), Buffer.from(inspectorPassword)];
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  async #isAuthentic(user: string, secret: string): Promise<boolean> {
    const { accounts } = this.#options;
    if (tokenPattern.test(secret)) {
      const holder = await accounts.authenticate(secret).catch(refused);
      if (holder !== undefined) return holder.user === user;
    }
    const checks = this.#checks.get(user) ?? 0;
    if (checks >= maxChecksOfName) throw new ChatError("busy", "Too many logins of this name are waiting.");
    this.#checks.set(user, checks + 1);
    try {
      return await accounts.verifyPassword({ user, password: secret });
    } finally {
      const left = this.#checks.get(user)! - 1;
      if (left === 0) this.#checks.delete(user);
      else this.#checks.set(user, left);
    }
  }

  #decideVhost({ username = "", vhost, ip = "", tags = "" }: Question): Decision {
    if (hasTag(tags, busyTag) || vhost !== this.#vhost) return "deny";
    // The server itself uses the inspector, possibly from the address of a refused client.
    if (username !== inspectorUser && this.#options.refused?.hasAddress(ip)) return "deny";
    const isKnown = username === registrationUser || username === inspectorUser || this.#mayBeAccount(username);
    return isKnown ? "allow" : "deny";
  }

  async #decidePermission(
    { username = "", vhost, resource, name = "", permission, tags = "" }: Question,
  ): Promise<Decision> {
    if (hasTag(tags, busyTag) || vhost !== this.#vhost) return "deny";
    if (!this.#take(this.#grants, username)) {
      this.#options.onFlood?.(username);
      return "deny";
    }
    const writes = resource === "exchange" && permission === "write" ? name : undefined;
    if (username === registrationUser) return writes === registrationExchange ? "allow" : "deny";
    if (username === inspectorUser) return writes === requestExchange || writes === fileExchange ? "allow" : "deny";
    const isOwn = resource === "queue" && permission === "read" &&
      this.#options.sessionQueues.ownerOf(name) === username;
    if (!isOwn && writes !== requestExchange && writes !== fileExchange) return "deny";
    const user = this.#mayBeAccount(username) ? await this.#options.accounts.findUser(username) : undefined;
    return user === undefined || user.disabled ? "deny" : "allow";
  }

  #mayBeAccount(name: string): boolean {
    if (name === this.#options.internalUser) return false;
    try {
      parseNewUserName(name);
      return true;
    } catch {
      return false;
    }
  }

  #take(buckets: TokenBuckets, key: string): boolean {
    return buckets.take(key, this.#options.clock.now()) === 0;
  }
}

function hasTag(tags: string, tag: string): boolean {
  return tags.split(/[\s,]+/).includes(tag);
}

function refused(error: unknown): undefined {
  if (error instanceof ChatError && error.code === "unauthenticated") return undefined;
  throw error;
}
