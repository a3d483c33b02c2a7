import { ChatError } from "../../core/chat_error.ts";
import { type Log, silentLog } from "../../core/log.ts";
import type { CallbackChannel, DialCallback } from "../../session/callback_delivery.ts";
import { CallbackConnection, type CallbackConnectionOptions } from "./callback_connection.ts";
import { DialSlots } from "./dial_slots.ts";
import { parseCertificate } from "./pinned_tls.ts";

/** 4 dials in progress to an address, 64 in all. */
export const standardSlots = { perAddress: 4, inAll: 64 };

/**
 * Makes dials to the DeliveryService that a client serves at `address`, the one that its connection comes from. Only
 * the certificate that the client named is accepted, and the secret is shown inside of TLS only.
 *
 * A failure is told, and its place given to another dial, when the signal aborts and not before: no client learns by
 * time or text whether a port is open, not even by how long others waited. A wrong certificate is refused at once,
 * undialled.
 */
export function callbackDialler(
  { log = silentLog, slots = new DialSlots(standardSlots) }: { log?: Log; slots?: DialSlots } = {},
): (address: string) => DialCallback {
  const onFault = (error: unknown) =>
    log.error("a callback connection was closed by an error of this program", { error });
  return (host) => async ({ port, certificate: der, secret }, { signal }) => {
    const certificate = parseCertificate(der);
    const dial = () => connectAndProve({ host, port, certificate, secret, signal, onFault });
    try {
      return await slots.run(host, { signal, dial: () => failingLate(signal, dial) });
    } catch (cause) {
      throw new ChatError("unavailable", "The client cannot be called back.", { cause });
    }
  };
}

/** An empty frame shows that the way is open, and to the right listener. */
async function connectAndProve(options: CallbackConnectionOptions): Promise<CallbackChannel> {
  const connection = await CallbackConnection.open(options);
  try {
    await connection.deliver(new Uint8Array(), options);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function failingLate<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
    throw error;
  }
}
