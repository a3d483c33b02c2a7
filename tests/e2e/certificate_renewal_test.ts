import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { createCertificates, type KeyPair } from "../crash/certificates.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { parseMetrics } from "../support/checks/metrics_text.ts";
import { join, type Person, until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { shownName, writeKeyPair } from "../support/proxies/tls_files.ts";

const [own, other] = await Promise.all([createCertificates(), createCertificates()]);

const count = (server: ServerProcess, pattern: RegExp) => server.stderr.filter((line) => pattern.test(line)).length;
const renewed = /"new connections use this certificate"/;
const refused = /"not reloaded/;

/** Sends SIGHUP, and waits for one more line of the log. */
async function hangUp(server: ServerProcess, line: RegExp): Promise<void> {
  const before = count(server, line);
  server.kill("SIGHUP");
  await until(() => count(server, line) > before);
}

function transportTo(
  { port }: ServerProcess,
  { authority, certificate }: { authority: string; certificate?: KeyPair },
) {
  const pem = (text: string) => new TextEncoder().encode(text);
  return new Http2Transport({
    host: "127.0.0.1",
    port,
    callback: false,
    tls: {
      roots: pem(authority),
      serverName: "localhost",
      certificate: certificate && { chain: pem(certificate.certificate), key: pem(certificate.key) },
    },
  });
}

/** Returns a check that the session of a person is the one that it is now. */
function sessionOf({ client }: Person): () => void {
  const { state } = client;
  return () => assert.equal(client.state, state);
}

/** Days that the server's certificate has left, as the metrics say. */
async function daysLeft(metricsPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  return parseMetrics(await response.text()).get('chatd_certificate_days_left{use="server"}')!;
}

for (const supervise of [true, false]) {
  const how = supervise ? "a supervised server" : "a server without a supervisor";

  Deno.test(`${how} shows a renewed certificate after SIGHUP, and its sessions go on`, async () => {
    using folder = temporaryFolder();
    const [metricsPort] = await freePorts(1);
    writeKeyPair(folder.path, own.server);
    await using server = await ServerProcess.start({
      folder: `${folder.path}/data`,
      supervise,
      args: [
        ...["--tls-cert", `${folder.path}/server.pem`, "--tls-key", `${folder.path}/server-key.pem`],
        ...["--metrics-listen", `127.0.0.1:${metricsPort}`],
      ],
    });
    const serving = server.servingPid();
    const transport = () => transportTo(server, own);
    const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
    const checks = [ana, ben].map(sessionOf);
    await until(() => count(server, /"a certificate in use expires soon/) === 1);
    assert.ok(await daysLeft(metricsPort) < 2);

    const bad: readonly [pair: KeyPair, reason: RegExp][] = [
      [{ ...own.server, certificate: "nonsense" }, /server\.pem\\" holds no certificate/],
      [{ ...own.renewedServer, key: own.server.key }, /does not belong to the certificate/],
      [own.expiredClient, /server\.pem\\" expired at 2/],
      [{ ...own.renewedServer, key: "nonsense" }, /holds no private key/],
    ];
    for (const [pair, reason] of bad) {
      writeKeyPair(folder.path, pair);
      await hangUp(server, refused);
      assert.match(server.stderr.findLast((line) => refused.test(line))!, reason);
      assert.equal(await shownName(server.port), "localhost");
    }
    assert.ok(await daysLeft(metricsPort) < 2);

    writeKeyPair(folder.path, own.renewedServer);
    await hangUp(server, renewed);
    assert.equal(await shownName(server.port), "renewed");
    assert.ok(await daysLeft(metricsPort) > 80);
    const eve = await join("eve", transport());
    await ana.client.send("ben", "after");
    await until(() => ben.received.length === 1);
    for (const check of checks) check();
    assert.equal(server.servingPid(), serving);
    assert.equal(count(server, /"serving again"|process died|restarting/), 0);
    await Promise.all([ana, ben, eve].map((person) => person.stop()));
    server.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
  });

  Deno.test(`${how} trusts a renewed authority of clients after SIGHUP, and still requires certificates`, async () => {
    using folder = temporaryFolder();
    const authority = `${folder.path}/client-ca.pem`;
    writeKeyPair(folder.path, own.server);
    Deno.writeTextFileSync(authority, own.authority);
    await using server = await ServerProcess.start({
      folder: `${folder.path}/data`,
      supervise,
      args: [
        ...["--tls-cert", `${folder.path}/server.pem`, "--tls-key", `${folder.path}/server-key.pem`],
        ...["--tls-client-ca", authority],
      ],
    });
    const ana = await join("ana", transportTo(server, { ...own, certificate: own.client }));
    const check = sessionOf(ana);
    await rejectsWith("unavailable", join("eve", transportTo(server, { ...own, certificate: other.client })));

    Deno.writeTextFileSync(authority, "nonsense");
    await hangUp(server, refused);
    const ben = await join("ben", transportTo(server, { ...own, certificate: own.client }));

    writeKeyPair(folder.path, own.renewedServer);
    Deno.writeTextFileSync(authority, other.authority);
    await hangUp(server, renewed);
    const eve = await join("eve", transportTo(server, { ...own, certificate: other.client }));
    await rejectsWith("unavailable", join("dan", transportTo(server, { ...own, certificate: own.client })));
    await rejectsWith("unavailable", join("dan", transportTo(server, own)));
    await ana.client.send("eve", "hello");
    await until(() => eve.received.length === 1);
    check();
    await Promise.all([ana, ben, eve].map((person) => person.stop()));
  });
}

Deno.test("demanding certificates of clients no more is a change of the configuration, which takes a restart", async () => {
  using folder = temporaryFolder();
  const config = `${folder.path}/chatd.toml`;
  const tls = '[grpc]\ntls-cert = "server.pem"\ntls-key = "server-key.pem"\n';
  writeKeyPair(folder.path, own.server);
  Deno.writeTextFileSync(`${folder.path}/client-ca.pem`, own.authority);
  Deno.writeTextFileSync(config, `${tls}tls-client-ca = "client-ca.pem"\n`);
  await using server = await ServerProcess.start({
    folder: `${folder.path}/data`,
    supervise: true,
    args: ["--config", config],
  });
  await rejectsWith("unavailable", join("ana", transportTo(server, own)));
  Deno.writeTextFileSync(config, tls);
  writeKeyPair(folder.path, own.renewedServer);
  await hangUp(server, /"serving again"/);
  const ana = await join("ana", transportTo(server, own));
  const check = sessionOf(ana);
  assert.equal(await shownName(server.port), "renewed");

  writeKeyPair(folder.path, own.server);
  await hangUp(server, renewed);
  assert.equal(await shownName(server.port), "localhost");
  check();
  await ana.stop();
});
