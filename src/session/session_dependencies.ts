import type { Chat } from "../core/chat.ts";
import type { Log } from "../core/log.ts";
import type { DialCallback } from "./callback_delivery.ts";

/** Dependencies that all sessions of a transport share. */
export interface SessionDependencies {
  readonly chat: Chat;
  readonly log: Log;
  /** Name and version of the server program. */
  readonly server: string;
  /** Name of the transport, for the log and the metrics. */
  readonly transport: string;
  /**
   * Returns a dialler for the client at an address; absent when the transport or its configuration has no callbacks.
   */
  dialCallback?(address: string): DialCallback;
  /** Runs a callback after the input that is ready now has been read. */
  defer(callback: () => void): void;
  /**
   * Octets of deliveries that may be sent and unacknowledged, and as many of other items. More than the largest item;
   * 256 KiB unless given.
   */
  readonly windowBytes?: number;
}
