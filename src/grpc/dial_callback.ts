import type { DialCallback } from "../session/callback_delivery.ts";
import { CallbackConnection } from "./callback_connection.ts";
import { DialSlots } from "./dial_slots.ts";

/** 4 dials in progress to an address, 64 in all. */
export const standardSlots = { perAddress: 4, inAll: 64 };

/**
 * Makes dials to the DeliveryService that a client serves at `address`, the one that its connection comes from. Only
 * the certificate that the client named is accepted, and the secret is shown inside of TLS only.
 */
export function callbackDialler(slots = new DialSlots(standardSlots)): (address: string) => DialCallback {
  return (address) => (callback, { signal }) =>
    slots.run(address, {
      signal,
      dial: async () => {
        const connection = await CallbackConnection.open(address, { callback, signal });
        try {
          // An empty frame shows that the way is open, and to the right listener.
          await connection.deliver(new Uint8Array(), { signal });
          return connection;
        } catch (error) {
          connection.close();
          throw error;
        }
      },
    });
}
