import type { ClientEvent } from "../../client/chat_client.ts";
import type { Transport } from "../../client/transport.ts";
import type { SystemName } from "../result.ts";
import type { Account } from "./accounts.ts";
import { ChatUser } from "./chat_user.ts";
import type { BenchServer, BenchServers } from "./chatd_servers.ts";
import type { BenchSystem, MeasuredProcesses, Pair, StartedSystem, SystemNeeds } from "./system.ts";

const bodyBytes = 100;
const stampLength = 13;
const padding = "x".repeat(bodyBytes - stampLength);

/** The differences between the transports of chatd. */
export interface ChatdWay {
  readonly name: SystemName;
  readonly servers: BenchServers;
  readonly callback: boolean;
  /** @throws {ChatError} */
  transport(server: BenchServer, user: string): Promise<Transport>;
}

/** chatd as users run it: accounts, a store, and a client that resends until a message is accepted. */
export class ChatdSystem implements BenchSystem {
  readonly name: SystemName;
  readonly #way: ChatdWay;

  constructor(way: ChatdWay) {
    this.name = way.name;
    this.#way = way;
  }

  async start(needs: SystemNeeds): Promise<StartedChatd> {
    return new StartedChatd(await this.#way.servers.start(needs), this.#way);
  }
}

class StartedChatd implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  #postponed = 0;
  readonly #server: BenchServer;
  readonly #way: ChatdWay;
  readonly #users: ChatUser[] = [];

  constructor(server: BenchServer, way: ChatdWay) {
    this.processes = server.processes;
    this.failed = server.failed;
    this.#server = server;
    this.#way = way;
  }

  get postponed(): number {
    return this.#postponed;
  }

  async connectPair(delivered: (latencyMs: number) => void): Promise<Pair> {
    const receiver = await this.join((event) => {
      if (event.kind !== "message") return;
      delivered(performance.now() - Number(event.message.text.slice(0, stampLength)));
    });
    const sender = await this.join(() => {});
    return {
      send: async () => {
        await sender.client.send(receiver.name, performance.now().toFixed(3).padStart(stampLength, "0") + padding);
      },
    };
  }

  async connectIdle(): Promise<void> {
    await this.join(() => {});
  }

  readonly join = async (onEvent: (event: ClientEvent) => void): Promise<ChatUser> => {
    const { callback } = this.#way;
    const transportOf = (name: string) => this.#way.transport(this.#server, name);
    const { name, token }: Account = await this.#server.account(transportOf);
    const user = await ChatUser.connect({
      name,
      token,
      transport: await transportOf(name),
      callback,
      onEvent: (event) => {
        if (event.kind === "postponed") this.#postponed++;
        onEvent(event);
      },
    });
    this.#users.push(user);
    return user;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#users.map((user) => user[Symbol.asyncDispose]()));
    await this.#server[Symbol.asyncDispose]();
  }
}
