import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { ChatError } from "../../core/chat_error.ts";
import { pathReason } from "../../core/system_error.ts";
import { type Certificate, inspectCertificate, parseCertificates } from "./certificate.ts";
import { tryHandshake } from "./trial_handshake.ts";

/** Reads a certificate, a chain or a key. @throws {ChatError} `invalid_argument` when the file cannot be read */
export async function readPem(file: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    throw new ChatError("invalid_argument", `Cannot read "${file}": ${pathReason(cause)}.`, {
      cause,
    });
  }
}

/**
 * Reads the certificates of authorities to trust.
 * @throws {ChatError} `invalid_argument` when the file cannot be read or holds none
 */
export async function readAuthorities(file: string): Promise<string> {
  const text = new TextDecoder().decode(await readPem(file));
  if (/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(text)) return text;
  throw new ChatError("invalid_argument", `The file "${file}" holds no certificate in PEM: give the one of the CA.`);
}

/**
 * Reads a server's certificate and key, and tries them in a handshake.
 * @throws {ChatError} `invalid_argument` when a file cannot be read or used, or the key is another certificate's
 */
export async function readServerCertificate(
  { certFile, keyFile }: { certFile: string; keyFile: string },
): Promise<{ certificate: Uint8Array; key: Uint8Array; inspected: Certificate }> {
  const [certificate, key] = await Promise.all([readPem(certFile), readPem(keyFile)]);
  const [parsed] = parseCertificates(certFile, certificate);
  const own = parse(keyFile, "private key without a passphrase", () => createPrivateKey(first("PRIVATE KEY", key)));
  if (!parsed.checkPrivateKey(own)) {
    throw new ChatError(
      "invalid_argument",
      `The key in "${keyFile}" does not belong to the certificate in "${certFile}": use a matching pair.`,
    );
  }
  try {
    await tryHandshake({ certificate, key });
  } catch (cause) {
    throw new ChatError(
      "invalid_argument",
      `Clients cannot connect with the certificate in "${certFile}": a TLS handshake fails (${
        cause instanceof Error ? cause.message : cause
      }). Its key should be RSA of 2,048 bits or more, or on P-256 or P-384.`,
      { cause },
    );
  }
  return { certificate, key, inspected: inspectCertificate("server", certFile, certificate) };
}

/** Returns the first block with a label: one file may hold the key and the certificates, in any order (RFC 7468). */
function first(label: string, pem: Uint8Array): Buffer {
  const block = new RegExp(`-----BEGIN [A-Z ]*${label}-----[^]+?-----END [A-Z ]*${label}-----`);
  return Buffer.from(block.exec(new TextDecoder().decode(pem))?.[0] ?? "");
}

function parse<T>(file: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ChatError("invalid_argument", `The file "${file}" holds no ${what} in PEM.`, { cause });
  }
}
