import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import type { DialCallback } from "./callback_delivery.ts";

/** The dependencies that all sessions of a transport share. */
export interface SessionDependencies {
  readonly chat: Chat;
  readonly log: Log;
  /** Names of the server program and version. */
  readonly server: string;
  /** Name of the transport, for the log and the metrics. */
  readonly transport: string;
  /** Returns the way to call back the client at an address; absent when the transport or its configuration has none. */
  dialCallback?(address: string): DialCallback;
  /** Runs a callback after the input that is ready now has been read. */
  defer(callback: () => void): void;
  /**
   * Octets that may be sent and not acknowledged: of deliveries, and as many of other items. More than the largest
   * item; 256 KiB unless given.
   */
  readonly windowBytes?: number;
}
