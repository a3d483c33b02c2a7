/** Throwaway certificates for one run: one authority that the victim trusts, one that it does not. */
import { Buffer } from "node:buffer";
// @peculiar/x509 demands this before it is loaded.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface KeyPair {
  certificate: string;
  key: string;
}

export interface Certificates {
  authority: string;
  server: KeyPair;
  client: KeyPair;
  /** Signed by an authority that the victim does not know. */
  foreignClient: KeyPair;
  /** Signed by the right authority, but no longer valid. */
  expiredClient: KeyPair;
  /** Valid for 90 days. */
  renewedServer: KeyPair;
}

interface Issuer {
  certificate: x509.X509Certificate;
  keys: CryptoKeyPair;
}

const DAY_MS = 86_400_000;

async function exportKey(keys: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const base64 = Buffer.from(der).toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

async function createAuthority(name: string): Promise<Issuer> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate, keys };
}

async function issue(issuer: Issuer, name: string, lastDay = Date.now() + DAY_MS): Promise<KeyPair> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: issuer.certificate.subject,
    signingKey: issuer.keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Math.min(Date.now(), lastDay) - DAY_MS),
    notAfter: new Date(lastDay),
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ]),
    ],
  });
  return { certificate: certificate.toString("pem") + "\n", key: await exportKey(keys) };
}

export async function createCertificates(): Promise<Certificates> {
  const [authority, stranger] = await Promise.all([
    createAuthority("crash suite"),
    createAuthority("a stranger"),
  ]);
  const [server, client, foreignClient, expiredClient, renewedServer] = await Promise.all([
    issue(authority, "localhost"),
    issue(authority, "client"),
    issue(stranger, "client"),
    issue(authority, "client", Date.now() - DAY_MS),
    issue(authority, "renewed", Date.now() + 90 * DAY_MS),
  ]);
  return {
    authority: authority.certificate.toString("pem") + "\n",
    server,
    client,
    foreignClient,
    expiredClient,
    renewedServer,
  };
}
