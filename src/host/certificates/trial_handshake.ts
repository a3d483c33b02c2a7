import { Buffer } from "node:buffer";
import { duplexPair } from "node:stream";
import { connect, createServer } from "node:tls";

/** Milliseconds that the handshake may take; it takes a few. */
const deadlineMs = 10_000;

/**
 * Makes a TLS handshake with a server's certificates within this process: a listener says nothing of certificates that
 * it cannot use, such as those of a curve that it does not know, and fails each handshake. @throws when the handshake
 * fails
 */
export async function tryHandshake({ certificate, key }: { certificate: Uint8Array; key: Uint8Array }): Promise<void> {
  const [near, far] = duplexPair();
  const done = Promise.withResolvers<void>();
  const server = createServer({ cert: Buffer.from(certificate), key: Buffer.from(key) }, () => done.resolve());
  server.on("tlsClientError", done.reject);
  server.emit("connection", far);
  // No session of another handshake is resumed with a name that none had.
  const client = connect({ socket: near, rejectUnauthorized: false, servername: `${crypto.randomUUID()}.invalid` });
  client.on("error", done.reject);
  const timer = setTimeout(() => done.reject(new Error("the handshake takes too long")), deadlineMs);
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    for (const stream of [client, near, far]) stream.destroy();
  }
}
