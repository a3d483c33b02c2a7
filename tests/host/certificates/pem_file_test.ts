import assert from "node:assert/strict";
import { readServerCertificate } from "../../../src/host/certificates/pem_file.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const { server: { certificate, key }, client } = await createCertificates();

Deno.test("readServerCertificate() reads the files that common tools make", async () => {
  using folder = temporaryFolder();
  const both = [certificate + key, key + certificate];
  const table: [certificate: string, key: string][] = [
    [certificate, key],
    [certificate + client.certificate, key],
    ...both.map((pem): [string, string] => [pem, pem]),
    [`Certificate:\n    Data:\n${certificate}`, `Bag Attributes\n    localKeyID: 01\n${key}`],
    [certificate.replaceAll("\n", "\r\n"), key.replaceAll("\n", "\r\n")],
  ];
  for (const pair of table) await readServerCertificate(write(folder.path, pair));
});

Deno.test("readServerCertificate() refuses files without a certificate, without a key, or with the key of another certificate", async () => {
  using folder = temporaryFolder();
  const table: [certificate: string, key: string][] = [
    [certificate, client.key],
    [client.certificate + certificate, key],
    [key, key],
    [certificate, certificate],
    ["", key],
    [certificate, key.slice(0, 60)],
    [certificate, key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE")],
  ];
  for (const pair of table) await rejectsWith("invalid_argument", readServerCertificate(write(folder.path, pair)));
});

Deno.test("readServerCertificate() refuses a certificate that fails a handshake", async () => {
  using folder = temporaryFolder();
  const files = { certFile: `${folder.path}/server.pem`, keyFile: `${folder.path}/key.pem` };
  for (const key of [["rsa:1024"], ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"]]) {
    const args = ["req", "-x509", "-nodes", "-subj", "/CN=localhost", "-newkey", ...key];
    const openssl = new Deno.Command("openssl", {
      args: [...args, "-keyout", files.keyFile, "-out", files.certFile],
      stderr: "null",
    });
    assert.equal((await openssl.output()).code, 0);
    const error = await rejectsWith("invalid_argument", readServerCertificate(files));
    assert.match(
      error.message,
      /^Clients cannot connect with the certificate in "\S+server\.pem": a TLS handshake fails \(.+\)\. Its key/,
    );
  }
});

function write(folder: string, [certificate, key]: [string, string]): { certFile: string; keyFile: string } {
  const files = { certFile: `${folder}/server.pem`, keyFile: `${folder}/key.pem` };
  Deno.writeTextFileSync(files.certFile, certificate);
  Deno.writeTextFileSync(files.keyFile, key);
  return files;
}
