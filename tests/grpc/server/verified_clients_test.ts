import assert from "node:assert/strict";
import { VerifiedClients } from "../../../src/grpc/server/verified_clients.ts";
import { createCertificates, type KeyPair } from "../../crash/certificates.ts";
import { outputLines } from "../../support/processes/output_lines.ts";
import { startTestGrpcServer } from "../../support/servers/grpc_server.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const [own, other] = [await createCertificates(), await createCertificates()];
const pem = (text: string) => new TextEncoder().encode(text);
const serverTls = ({ certificate, key }: KeyPair) => ({ certificate: pem(certificate), key: pem(key) });
const client = new URL("../../support/proxies/tls_client.py", import.meta.url).pathname;

Deno.test("a client cannot resume a TLS session when its authority is not trusted any more", async () => {
  using folder = temporaryFolder();
  Deno.writeTextFileSync(`${folder.path}/ca.pem`, own.authority);
  Deno.writeTextFileSync(`${folder.path}/client.pem`, own.client.certificate);
  Deno.writeTextFileSync(`${folder.path}/client-key.pem`, own.client.key);
  const clientCa = pem(own.authority);
  await using test = await startTestGrpcServer({ tls: { ...serverTls(own.server), clientCa } });
  const { server } = test;
  const args = [client, `${server.port}`, folder.path];
  const python = new Deno.Command("/usr/bin/python3", { args, stdin: "piped", stdout: "piped" }).spawn();
  const orders = python.stdin.getWriter();
  const answers = outputLines(python.stdout);
  const connect = async () => {
    await orders.write(pem("\n"));
    return (await answers.next()).value;
  };
  assert.equal(await connect(), "full served");
  assert.equal(await connect(), "resumed served");
  server.renewCertificates({ ...serverTls(own.renewedServer), clientCa });
  assert.equal(await connect(), "resumed served");
  server.renewCertificates({ ...serverTls(own.renewedServer), clientCa: pem(other.authority) });
  assert.equal(await connect(), "resumed closed");
  assert.equal(await connect(), "resumed closed");
  server.renewCertificates({ ...serverTls(own.renewedServer), clientCa: pem(own.authority + other.authority) });
  assert.equal(await connect(), "resumed closed");
  await orders.close();
  assert.equal((await python.status).code, 0);
  assert.ok((await answers.next()).done);
});

Deno.test("admit() takes a resumed session until the certificate that was verified ends", () => {
  const clients = new VerifiedClients();
  const certificate = { fingerprint256: "AB:CD", valid_to: "Nov 30 12:00:00 2026 GMT" };
  const connection = (isResumed: boolean) => ({
    isSessionReused: () => isResumed,
    getPeerCertificate: () => certificate as never,
  });
  const [before, after] = [Date.parse("2026-11-30T11:59:59Z"), Date.parse("2026-11-30T12:00:00Z")];
  assert.equal(clients.admit(connection(true), before), false);
  assert.equal(clients.admit(connection(false), before), true);
  assert.equal(clients.admit(connection(true), before), true);
  assert.equal(clients.admit(connection(true), after), false);
});
