import { ChatError } from "../core/chat_error.ts";
import type { Timers } from "./timers.ts";
import type { Link, Transport } from "./transport.ts";

export interface OpenLinkOptions {
  transport: Transport;
  timers: Timers;
  /** How long the server may take to answer. */
  deadlineMs: number;
  signal: AbortSignal;
}

/**
 * Opens a link, which outlives `signal`, so that what was taken can still be acknowledged.
 * @throws {ChatError} `unavailable` when it took too long or was cancelled, and what the transport throws.
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
