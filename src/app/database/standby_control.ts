import { ChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { type ControlSocket, openControlSocket } from "../../host/control_socket.ts";
import { longVersion } from "../../host/version.ts";
import type { StandbyReason } from "../../store/postgres/connection/standby.ts";
import { standbyHandlers } from "../operator_calls.ts";
import { describeStandby } from "../standby_doors.ts";

export interface StandbyControlOptions {
  /** The data folder, whose lock the caller holds. */
  readonly folder: string;
  /** The address of the database, for people. */
  readonly database: string;
  readonly log: Log;
}

/**
 * The control socket of a node that does not serve yet. It opens when the node has to stand by, tells that the node is
 * alive, and refuses the operator's other commands with the name of the node that serves.
 */
export class StandbyControl implements AsyncDisposable {
  readonly #options: StandbyControlOptions;
  #reason: StandbyReason | undefined;
  #socket: ControlSocket | undefined;

  constructor(options: StandbyControlOptions) {
    this.#options = options;
  }

  /** Opens the socket, once, and gives this reason from now on. @throws {ChatError} errors of `openControlSocket` */
  standBy(reason: StandbyReason): void {
    this.#reason = reason;
    this.#socket ??= this.#open();
  }

  /** Closes the socket, so that another one can be opened. */
  async [Symbol.asyncDispose](): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
  }

  #open(): ControlSocket {
    const { folder, database, log } = this.#options;
    const answers = {
      "server.version": () => Promise.resolve(longVersion),
      "server.database": () => Promise.resolve(database),
    };
    return openControlSocket({ folder, log, handlers: standbyHandlers(answers, () => this.#refuse()) });
  }

  #refuse(): Promise<never> {
    const reason = this.#reason!;
    const advice = "servedBy" in reason
      ? "Run this command on the machine of that node, with its data folder (--data)."
      : "Try again when it serves.";
    return Promise.reject(new ChatError("unavailable", `${describeStandby(reason)} ${advice}`));
  }
}
