import type { ConnectionEvents } from "./connection_events.ts";
import type { ConnectionLimits } from "./connection_limits.ts";
import type { FrameBudget } from "./frame_budget.ts";
import type { HeaderAssembly } from "./header_assembly.ts";
import type { HeaderDecoder } from "./header_decoder.ts";
import type { Outbox } from "./outbox.ts";
import type { PeerSettings } from "./peer_settings.ts";
import type { Shutdown } from "./shutdown.ts";
import type { StreamTable } from "./stream_table.ts";

/** The parts of a connection that received frames act on. */
export interface FrameContext {
  readonly role: "server" | "client";
  readonly limits: ConnectionLimits;
  readonly assembly: HeaderAssembly;
  readonly decoder: HeaderDecoder;
  readonly budget: FrameBudget;
  readonly settings: PeerSettings;
  readonly streams: StreamTable;
  readonly outbox: Outbox;
  readonly shutdown: Shutdown;
  readonly events: ConnectionEvents;
  /** Called when a PING of the owner was answered. */
  onPong(): void;
}
