import { Buffer } from "node:buffer";
import { duplexPair } from "node:stream";
import { connect, createServer } from "node:tls";

/** How long the handshake may take, in milliseconds; it normally takes a few. */
const deadlineMs = 10_000;

/**
 * Makes a TLS handshake with a server's certificates within this process: a listener accepts certificates that it cannot
 * use, such as those of an unknown curve, and fails each handshake. @throws {Error} when the handshake fails
 */
export async function tryHandshake({ certificate, key }: { certificate: Uint8Array; key: Uint8Array }): Promise<void> {
  const [near, far] = duplexPair();
  const done = Promise.withResolvers<void>();
  const server = createServer({ cert: Buffer.from(certificate), key: Buffer.from(key) }, () => done.resolve());
  server.on("tlsClientError", done.reject);
  server.emit("connection", far);
  // With a name of its own, the client resumes no session of another handshake.
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
