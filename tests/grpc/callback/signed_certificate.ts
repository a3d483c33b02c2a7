// @peculiar/x509 demands this before it is loaded.
import "reflect-metadata";
import { Buffer } from "node:buffer";
import { SubjectAlternativeNameExtension, X509Certificate, X509CertificateGenerator } from "@peculiar/x509";
import { listenerName } from "../../../src/grpc/callback/callback_protocol.ts";
import { type ThrowawayCertificate, toPem } from "../../../src/grpc/callback/throwaway_certificate.ts";

/** A certificate of another key, for the same name, that the named one has signed. */
export async function signedByNamed({ pem, keyPem }: ThrowawayCertificate): Promise<{ pem: string; keyPem: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const der = Buffer.from(keyPem.replaceAll(/-----.*-----/g, ""), "base64");
  const signingKey = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${listenerName}`,
    issuer: new X509Certificate(pem).subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: listenerName }])],
  });
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { pem: certificate.toString("pem"), keyPem: toPem("PRIVATE KEY", key) };
}
