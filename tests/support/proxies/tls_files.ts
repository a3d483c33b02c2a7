import { connect } from "node:tls";
import type { KeyPair } from "../../crash/certificates.ts";

/** Writes `server.pem` and `server-key.pem` into a folder. */
export function writeKeyPair(folder: string, { certificate, key }: KeyPair): void {
  Deno.writeTextFileSync(`${folder}/server-key.pem`, key);
  Deno.writeTextFileSync(`${folder}/server.pem`, certificate);
}

/** Returns the name in the certificate that a server shows; undefined where nobody listens. */
export function shownName(port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  // Deno resumes TLS sessions with a server of the same name, and then says what that showed before.
  const servername = `${crypto.randomUUID()}.example`;
  const options = { host: "127.0.0.1", port, servername, rejectUnauthorized: false, ALPNProtocols: ["h2"] };
  const socket = connect(options, () => {
    resolve(String(socket.getPeerCertificate().subject.CN));
  });
  socket.on("error", () => resolve(undefined));
  return promise.finally(() => socket.destroy());
}
