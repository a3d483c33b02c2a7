import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/**
 * Closes the underlying socket after its TLS socket. To close both, destroy the TLS socket: Deno 2.9.3 panics if the
 * underlying socket is destroyed first, or within an event of the TLS socket ("RefCell already mutably borrowed").
 */
export function closeWith(secured: TLSSocket, below: Socket): void {
  secured.once("close", () => setImmediate(() => below.destroy()));
}
