import type { Log } from "../core/log.ts";
import type { StandbyReason } from "../store/postgres/connection/standby.ts";
import type { PreparedTransport, StandbyDoor } from "./transport_server.ts";

export interface StandbyDoorsOptions {
  readonly transports: readonly PreparedTransport[];
  readonly log: Log;
  /** The requested port of the first transport. */
  readonly port: number;
  /** Called once, when the doors are open. */
  onOpen(port: number): void;
}

/**
 * The doors of a node that does not serve yet: they open when it has to stand by, and answer that it does, until it
 * serves.
 */
export class StandbyDoors implements AsyncDisposable {
  /** Rejects when a door cannot be opened. */
  readonly failed: Promise<never>;
  readonly #options: StandbyDoorsOptions;
  readonly #fail: (error: unknown) => void;
  #reason: StandbyReason | undefined;
  #opening: Promise<void> | undefined;
  readonly #doors: StandbyDoor[] = [];

  constructor(options: StandbyDoorsOptions) {
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.failed = promise;
    this.#fail = reject;
  }

  /** Opens the doors, once, and tells clients this reason from now on. */
  standBy(reason: StandbyReason): void {
    this.#reason = reason;
    this.#opening ??= this.#open().catch(this.#fail);
  }

  /** Closes the doors. @returns whether they were open, and the port for the first transport, which clients may know */
  async close(): Promise<{ wereOpen: boolean; port: number }> {
    await this.#opening;
    const doors = this.#doors.splice(0);
    await Promise.all(doors.map((door) => door.close()));
    return { wereOpen: doors.length > 0, port: doors[0]?.port ?? this.#options.port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    const { transports, log, port, onOpen } = this.#options;
    const reason = () => describeStandby(this.#reason!);
    for (const transport of transports) this.#doors.push(await transport.standBy({ log, port, reason }));
    onOpen(this.#doors[0].port);
  }
}

/** Returns why a node does not serve, as a sentence for people. */
export function describeStandby(reason: StandbyReason): string {
  return "servedBy" in reason
    ? `This server stands by: the node "${reason.servedBy}" serves.`
    : "This server stands by: it cannot use its database now.";
}
