import type { BenchServer } from "./chatd_servers.ts";
import { Failure } from "./failure.ts";
import type { ConnectionEvents, MeasuredProcesses, Sender, StartedSystem } from "./system.ts";

/** A chatd server that was started or runs, and its users. Subclasses differ in how they drive it. */
export abstract class StartedChatd implements StartedSystem {
  readonly processes: MeasuredProcesses;
  readonly failed: Promise<never>;
  postponed = 0;
  protected readonly server: BenchServer;
  /** The first failure of the users' connections. */
  protected readonly failure = new Failure();

  constructor(server: BenchServer) {
    this.processes = server.processes;
    this.failed = this.failure.or(server.failed);
    this.server = server;
  }

  abstract connectPair(events: ConnectionEvents): Promise<Sender>;

  abstract connectIdle(): Promise<void>;

  abstract connectUser(options: ConnectionEvents & { readonly to: string }): Promise<Sender>;

  async [Symbol.asyncDispose](): Promise<void> {
    this.failure.ignore();
    await this.disconnectUsers();
    await this.server[Symbol.asyncDispose]();
  }

  protected abstract disconnectUsers(): Promise<void>;
}
