import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { DeliveryServiceService } from "../gen/chatd/v1/delivery_service.ts";
import type { CallbackChannel, DialCallback } from "../session/callback_delivery.ts";
import { secretKey } from "./callback_listener.ts";
import { throwawayName, toPem } from "./throwaway_certificate.ts";

const { path } = DeliveryServiceService.deliver;

/**
 * Calls the DeliveryService that a client serves at `address`, the one that its connection comes from. Only the
 * certificate that the client named is accepted, and the secret is shown inside of TLS only.
 */
export function dialCallback(address: string): DialCallback {
  return async ({ port, certificate, secret }, { signal }) => {
    const pinned = Buffer.from(certificate);
    const host = address.includes(":") ? `[${address}]` : address;
    const client = new Client(
      `${host}:${port}`,
      credentials.createSsl(Buffer.from(toPem("CERTIFICATE", certificate)), null, null, {
        checkServerIdentity: (_host, shown) =>
          pinned.equals(shown.raw) ? undefined : new Error("This is not the certificate that the client named."),
      }),
      {
        "grpc.ssl_target_name_override": throwawayName,
        "grpc.default_authority": throwawayName,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_retries": 0,
        "grpc.enable_http_proxy": 0,
        "grpc.keepalive_time_ms": 10_000,
        "grpc.keepalive_timeout_ms": 10_000,
      },
    );
    const metadata = new Metadata();
    metadata.set(secretKey, Buffer.from(secret));
    const channel: CallbackChannel = {
      deliver: (frame, { signal }) => call(client, frame, { metadata, signal }),
      close: () => client.close(),
    };
    try {
      // An empty frame shows that the way is open, and to the right listener.
      await channel.deliver(new Uint8Array(), { signal });
      return channel;
    } catch (error) {
      channel.close();
      throw error;
    }
  };
}

function call(
  client: Client,
  frame: Uint8Array,
  { metadata, signal }: { metadata: Metadata; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const toBuffer = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const started = client.makeUnaryRequest(path, toBuffer, () => undefined, frame, metadata, (error) => {
      signal.removeEventListener("abort", cancel);
      if (error === null) resolve();
      else reject(error);
    });
    const cancel = () => started.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
  });
}
