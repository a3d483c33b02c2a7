import { ChatError } from "../core/chat_error.ts";
import type { Timers } from "./timers.ts";
import type { Link, Transport } from "./transport.ts";

export interface OpenLinkOptions {
  transport: Transport;
  timers: Timers;
  /** Deadline for the server's answer, in milliseconds. */
  deadlineMs: number;
  signal: AbortSignal;
}

/**
 * Opens a link. It outlives `signal`, for the last acknowledgement.
 * @throws {ChatError} `unavailable` after the deadline or an abort; errors of the transport
 */
export async function openLink({ transport, timers, deadlineMs, signal }: OpenLinkOptions): Promise<Link> {
  const opening = new AbortController();
  const cancel = timers.after(deadlineMs, () => {
    opening.abort(new ChatError("unavailable", `Cannot reach ${transport.address}: it did not answer in time.`));
  });
  const stop = () => opening.abort(new ChatError("unavailable", "The client was closed."));
  signal.addEventListener("abort", stop);
  try {
    return await transport.connect({ signal: opening.signal });
  } catch (error) {
    throw opening.signal.aborted ? opening.signal.reason : error;
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}
