import { ChatError } from "../../core/chat_error.ts";
import { type Log, silentLog } from "../../core/log.ts";
import type { CallbackChannel, DialCallback } from "../../session/callback_delivery.ts";
import { CallbackConnection, type CallbackConnectionOptions } from "./callback_connection.ts";
import { DialSlots } from "./dial_slots.ts";
import { parseCertificate } from "./pinned_tls.ts";

/** 4 concurrent dials to an address, 64 in all. */
export const standardSlots = { perAddress: 4, inAll: 64 };

/**
 * Returns a function that dials the DeliveryService of a client at `address`, the address of the client's own
 * connection. Only the certificate that the client named is accepted, and the secret is sent inside TLS only.
 *
 * A failed dial is reported, and its slot freed, only when the signal aborts: neither the time nor the text of the
 * error, nor the wait of other dials, reveals whether a port is open. A malformed certificate is refused at once,
 * without dialling.
 */
export function callbackDialler(
  { log = silentLog, slots = new DialSlots(standardSlots) }: { log?: Log; slots?: DialSlots } = {},
): (address: string) => DialCallback {
  const onFault = (error: unknown) =>
    log.error("a callback connection was closed by an error of this program", { error });
  return (host) => async ({ port, certificate: der, secret }, { signal }) => {
    const certificate = parseCertificate(der);
    const dial = () => connectAndVerify({ host, port, certificate, secret, signal, onFault });
    try {
      return await slots.run(host, { signal, dial: () => failAtAbort(signal, dial) });
    } catch (cause) {
      throw new ChatError("unavailable", "Cannot call the client back.", { cause });
    }
  };
}

/** Connects, and delivers an empty frame as proof that the listener is the right one. */
async function connectAndVerify(options: CallbackConnectionOptions): Promise<CallbackChannel> {
  const connection = await CallbackConnection.open(options);
  try {
    await connection.deliver(new Uint8Array(), options);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function failAtAbort<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    throw error;
  }
}
