import { readServerCertificate } from "../../src/app/pem_file.ts";
import { createCertificates } from "../crash/certificates.ts";
import { rejectsWith } from "../support/chat_error_assertions.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";

const { server: { certificate, key }, client } = await createCertificates();

Deno.test("a certificate and its key are taken in the files that tools make", async () => {
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

Deno.test("a certificate and a key that do not belong together, or are none, are refused", async () => {
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

function write(folder: string, [certificate, key]: [string, string]): { certFile: string; keyFile: string } {
  const files = { certFile: `${folder}/server.pem`, keyFile: `${folder}/key.pem` };
  Deno.writeTextFileSync(files.certFile, certificate);
  Deno.writeTextFileSync(files.keyFile, key);
  return files;
}
