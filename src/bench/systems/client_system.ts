import type { Transport } from "../../client/transport.ts";
import { stampedText, stampNow, stampOf } from "../driver/stamps.ts";
import type { SystemName } from "../result.ts";
import type { Account } from "./accounts.ts";
import { ChatUser } from "./chat_user.ts";
import type { BenchServer, BenchServers } from "./chatd_servers.ts";
import { Failure } from "./failure.ts";
import type { BenchSystem, ConnectionEvents, MeasuredProcesses, Sender, StartedSystem, SystemNeeds } from "./system.ts";

export interface ClientWay {
  readonly name: SystemName;
  readonly servers: BenchServers;
  readonly callback: boolean;
  /** @throws {ChatError} */
  transport(server: BenchServer, user: string): Promise<Transport>;
}

/** chatd with its own clients, which resend until a message is accepted and decode all that they receive. */
export class ClientSystem implements BenchSystem {
  readonly name: SystemName;
  readonly #way: ClientWay;

  constructor(way: ClientWay) {
    this.name = way.name;
    this.#way = way;
  }

  async start(needs: SystemNeeds): Promise<StartedSystem> {
    return new StartedClients(await this.#way.servers.start(needs), this.#way);
  }
}

class StartedClients implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  #postponed = 0;
  readonly #server: BenchServer;
  readonly #way: ClientWay;
  readonly #users: ChatUser[] = [];
  readonly #failure = new Failure();

  constructor(server: BenchServer, way: ClientWay) {
    this.processes = server.processes;
    this.failed = this.#failure.or(server.failed);
    this.#server = server;
    this.#way = way;
  }

  get postponed(): number {
    return this.#postponed;
  }

  async connectPair({ onDelivered, onAccepted }: ConnectionEvents): Promise<Sender> {
    const receiver = await this.#connect(onDelivered);
    return this.#senderOf(await this.#connect(() => {}), { to: receiver.name, onAccepted });
  }

  async connectIdle(): Promise<void> {
    await this.#connect(() => {});
  }

  async connectUser({ to, onDelivered, onAccepted }: ConnectionEvents & { readonly to: string }): Promise<Sender> {
    return this.#senderOf(await this.#connect(onDelivered), { to, onAccepted });
  }

  #senderOf({ client }: ChatUser, { to, onAccepted }: Pick<ConnectionEvents, "onAccepted"> & { to: string }): Sender {
    return {
      send: (count) => {
        const stamp = stampNow();
        for (let left = count; left > 0; left--) {
          client.send(to, stampedText(stamp)).then(() => onAccepted(1), (error) => this.#failure.set(error));
        }
        return stamp;
      },
    };
  }

  async #connect(onDelivered: ConnectionEvents["onDelivered"]): Promise<ChatUser> {
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
        if (event.kind === "message") onDelivered(stampOf(event.message.text));
      },
    });
    this.#users.push(user);
    return user;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure.ignore();
    await Promise.all(this.#users.map((user) => user[Symbol.asyncDispose]()));
    await this.#server[Symbol.asyncDispose]();
  }
}
