import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { programPaths } from "../background_worker.ts";
import { grpcVariables } from "../grpc_server.ts";
import type { HostPort } from "../host_port.ts";
import { type Account, makeAccounts, namePrefix } from "./accounts.ts";
import type { OwnedResources } from "./owned_resources.ts";
import type { MeasuredProcesses, SystemNeeds } from "./system.ts";

/** Of each user: as many requests as they like. */
const noLimit = "1000000";

/** A server that is measured. Disposing of it ends it when it is the bench's own. */
export interface BenchServer extends AsyncDisposable {
  readonly address: HostPort;
  readonly processes: MeasuredProcesses;
  /** Rejects when it dies, as far as the bench knows. */
  readonly failed: Promise<never>;
  /** Somebody whom nobody else is; `transport` is the way to register, where that is needed. @throws {ChatError} */
  account(transport: (user: string) => Promise<Transport>): Promise<Account>;
}

/** Where the server of a run comes from. */
export interface BenchServers {
  start(needs: SystemNeeds): Promise<BenchServer>;
}

/** A new server for each run, in a process of its own, on a new data folder. */
export class OwnServers implements BenchServers {
  readonly #resources: OwnedResources;

  constructor(resources: OwnedResources) {
    this.#resources = resources;
  }

  async start({ users, folder: shared, fill }: SystemNeeds): Promise<BenchServer> {
    const folder = shared ?? await this.#resources.folder();
    const accounts = await makeAccounts(folder, users);
    await fill?.(folder, accounts);
    const { pid, port, failed, ...program } = await this.#resources.startProgram(
      [
        "serve",
        "--supervised",
        "--listen=127.0.0.1:0",
        `--data=${folder}`,
        "--registration=closed",
        "--log-level=warn",
        `--rate=${noLimit}`,
        `--burst=${noLimit}`,
      ],
      {
        read: [folder, ...programPaths()],
        write: [folder],
        net: ["127.0.0.1", `unix:${folder}`],
        env: ["BUF_*", ...grpcVariables],
      },
    );
    return {
      address: { host: "127.0.0.1", port },
      processes: { server: pid },
      failed,
      account: () => {
        const account = accounts.pop();
        if (account === undefined) throw new RangeError(`the workload has more users than the ${users} it asked for`);
        return Promise.resolve(account);
      },
      [Symbol.asyncDispose]: async () => {
        await program[Symbol.asyncDispose]();
        if (shared === undefined) await Deno.remove(folder, { recursive: true });
      },
    };
  }
}

/** A server that runs already. Accounts and messages stay there: a bench cannot know what else refers to them. */
export class RunningServer implements BenchServers {
  readonly #address: HostPort;
  readonly #processes: MeasuredProcesses;
  /** Accounts that were made there. */
  registered = 0;

  constructor(address: HostPort, processes: MeasuredProcesses) {
    this.#address = address;
    this.#processes = processes;
  }

  start({ fill, folder }: SystemNeeds): Promise<BenchServer> {
    if (fill !== undefined || folder !== undefined) {
      return Promise.reject(
        new ChatError("invalid_argument", "Only a server of the bench's own is filled beforehand."),
      );
    }
    return Promise.resolve({
      address: this.#address,
      processes: this.#processes,
      failed: new Promise<never>(() => {}),
      account: (transport) => this.#register(transport),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async #register(transport: (user: string) => Promise<Transport>): Promise<Account> {
    const name = `${namePrefix}${crypto.randomUUID().slice(0, 13)}`;
    const { credentials } = await (await transport(name)).register(
      { user: name, password: crypto.randomUUID(), invite: "", deviceName: "bench" },
      {},
    );
    this.registered++;
    return { name, token: credentials!.token };
  }
}
