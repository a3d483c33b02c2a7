// @peculiar/x509 must be loaded after this.
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import { listenerName } from "./callback_protocol.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 24 * 60 * 60 * 1000;

export interface ThrowawayCertificate {
  readonly der: Uint8Array;
  readonly pem: string;
  /** The private key: PKCS #8 in PEM. */
  readonly keyPem: string;
}

/**
 * Creates a self-signed certificate that is valid for a year; peers trust it only because they received it over another
 * channel.
 */
export async function createThrowawayCertificate(): Promise<ThrowawayCertificate> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${listenerName}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - dayMs),
    notAfter: new Date(Date.now() + 365 * dayMs),
    extensions: [new SubjectAlternativeNameExtension([{ type: "dns", value: listenerName }])],
  });
  const key = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return {
    der: new Uint8Array(certificate.rawData),
    pem: certificate.toString("pem"),
    keyPem: toPem("PRIVATE KEY", key),
  };
}

/** Converts DER to PEM (RFC 7468). */
export function toPem(label: string, der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
