import type { Transport } from "../../client/transport.ts";
import { AckClock } from "../driver/ack_clock.ts";
import { textOf } from "../driver/frame_scan.ts";
import type { OpenPipe } from "../driver/pipe.ts";
import { RawSession } from "../driver/raw_session.ts";
import { SendTemplate } from "../driver/send_template.ts";
import { readStamp } from "../driver/stamps.ts";
import type { SystemName } from "../result.ts";
import type { Account } from "./accounts.ts";
import type { BenchServer, BenchServers } from "./chatd_servers.ts";
import { Failure } from "./failure.ts";
import type {
  BenchSystem,
  ConnectionEvents,
  MeasuredProcesses,
  Sender,
  StartedSystem,
  SystemNeeds,
  UserSessions,
} from "./system.ts";

export interface RawWay {
  readonly name: SystemName;
  readonly servers: BenchServers;
  /** Whether the sends of a turn are in one frame, or each in a frame of its own. */
  readonly joined: boolean;
  /** Returns the way to a server for a user. @throws {ChatError} */
  pipe(server: BenchServer, account: Account): OpenPipe;
  /** The transport that registers users on a running server. @throws {ChatError} */
  transport(server: BenchServer, user: string): Promise<Transport>;
}

/** chatd, driven by raw frames. */
export class RawSystem implements BenchSystem {
  readonly name: SystemName;
  readonly #way: RawWay;

  constructor(way: RawWay) {
    this.name = way.name;
    this.#way = way;
  }

  async start(needs: SystemNeeds): Promise<StartedSystem> {
    return new StartedRaw(await this.#way.servers.start(needs), this.#way);
  }
}

class StartedRaw implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  #postponed = 0;
  readonly #server: BenchServer;
  readonly #way: RawWay;
  readonly #ackClock = new AckClock();
  readonly #sessions: RawSession[] = [];
  readonly #failure = new Failure();

  constructor(server: BenchServer, way: RawWay) {
    this.processes = server.processes;
    this.failed = this.#failure.or(server.failed);
    this.#server = server;
    this.#way = way;
  }

  get postponed(): number {
    return this.#postponed;
  }

  async connectPair({ onDelivered, onAccepted }: ConnectionEvents): Promise<Sender> {
    const { name } = await this.#connect({ onDelivered, onAccepted: () => {} });
    const { session } = await this.#connect({ onDelivered: () => {}, onAccepted });
    return senderOf(session, name);
  }

  async connectIdle(): Promise<void> {
    await this.#connect({ onDelivered: () => {}, onAccepted: () => {} });
  }

  async connectUser({ to, ...events }: ConnectionEvents & { readonly to: string }): Promise<Sender> {
    const { session } = await this.#connect(events);
    return senderOf(session, to);
  }

  readonly users: UserSessions = {
    account: () => this.#server.account((user) => this.#way.transport(this.#server, user)),
    open: async (account, { hello, ...events }) => {
      const opened = await RawSession.open({
        ...events,
        open: this.#way.pipe(this.#server, account),
        hello: { ...hello, token: account.token },
        joined: this.#way.joined,
        onPostponed: () => this.#postponed++,
        onLost: (error) => this.#failure.set(error),
      });
      this.#sessions.push(opened.session);
      return opened;
    },
  };

  async #connect({ onDelivered, onAccepted }: ConnectionEvents): Promise<{ name: string; session: RawSession }> {
    const account = await this.users.account();
    const { session } = await this.users.open(account, {
      ackClock: this.#ackClock,
      onMessage(bytes, from, to) {
        const at = textOf(bytes, from, to);
        if (at >= 0) onDelivered(readStamp(bytes, at));
      },
      onAccepted,
    });
    return { name: account.name, session };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure.ignore();
    this.#ackClock[Symbol.dispose]();
    await Promise.all(this.#sessions.map((session) => session.close()));
    await this.#server[Symbol.asyncDispose]();
  }
}

function senderOf(session: RawSession, to: string): Sender {
  const template = new SendTemplate(to);
  return { send: (count) => session.send(template, count) };
}
