import assert from "node:assert/strict";
import { createCertificates, type KeyPair } from "../crash/certificates.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const { server, client, expiredClient } = await createCertificates();

function writeCertificate(folder: string, name: string, { certificate, key }: KeyPair): void {
  Deno.writeTextFileSync(`${folder}/${name}.pem`, certificate);
  Deno.writeTextFileSync(`${folder}/${name}-key.pem`, key);
}

function check(folder: string, config: string, command = "serve"): Promise<ChatdResult> {
  Deno.writeTextFileSync(`${folder}/chatd.toml`, config);
  return runChatd({ args: [command, "--config", "chatd.toml", "--check-config"], cwd: folder });
}

Deno.test("--check-config reports a valid configuration, and starts and creates nothing", async () => {
  using folder = temporaryFolder();
  writeCertificate(folder.path, "server", server);
  Deno.writeTextFileSync(`${folder.path}/password`, "a password\n");
  const config = `
data = "data"
[grpc]
listen = "0.0.0.0:50051"
tls-cert = "server.pem"
tls-key = "server-key.pem"
[amqp]
broker = "amqps://broker.example"
broker-password-file = "password"
`;
  const registration = new Map([
    ["serve", "open over gRPC, closed over RabbitMQ"],
    ["grpc-server", "open"],
    ["amqp-server", "closed"],
  ]);
  for (const command of registration.keys()) {
    const { code, stdout, stderr } = await check(folder.path, config, command);
    assert.deepEqual([code, stderr], [0, ""], command);
    assert.match(stdout, /^The configuration is valid/);
    assert.equal(/listens on 0\.0\.0\.0:50051 \(TLS\)/.test(stdout), command !== "amqp-server", stdout);
    assert.equal(/serves at amqps:\/\/broker\.example:5671/.test(stdout), command !== "grpc-server", stdout);
    assert.equal(/^data in data, registration (.*)$/m.exec(stdout)?.[1], registration.get(command));
  }
  assert.throws(() => Deno.statSync(`${folder.path}/data`), Deno.errors.NotFound);
});

Deno.test("--check-config works beside a running server", async () => {
  using folder = temporaryFolder();
  await using _server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const { code, stderr } = await check(folder.path, 'data = "data"\n');
  assert.deepEqual([code, stderr], [0, ""]);
});

Deno.test("--check-config reports every problem that would prevent a start, and exits with 2", async () => {
  using folder = temporaryFolder();
  writeCertificate(folder.path, "one", server);
  writeCertificate(folder.path, "other", client);
  writeCertificate(folder.path, "old", expiredClient);
  Deno.writeTextFileSync(`${folder.path}/nonsense.pem`, "nonsense");
  Deno.writeTextFileSync(`${folder.path}/short`, "secret");
  const tls = (certificate: string, key: string) => `[grpc]\ntls-cert = "${certificate}"\ntls-key = "${key}"\n`;
  const amqp = (more: string) => `[amqp]\nbroker = "amqp://127.0.0.1"\n${more}\n`;
  const table: [config: string, ...words: RegExp[]][] = [
    ['[grpc]\nlisten = "0.0.0.0:1"\n', /0\.0\.0\.0 would send passwords/],
    [tls("one.pem", "other-key.pem"), /other-key\.pem" does not belong to the certificate/],
    [tls("one.pem", "gone.pem"), /Cannot read "gone\.pem"/],
    [tls("nonsense.pem", "one-key.pem"), /nonsense\.pem" holds no certificate/],
    [tls("one.pem", "nonsense.pem"), /nonsense\.pem" holds no private key/],
    [`${tls("one.pem", "one-key.pem")}tls-client-ca = "gone.pem"\n`, /Cannot read "gone\.pem"/],
    [tls("old.pem", "old-key.pem"), /certificate in "old\.pem" expired at 2/],
    [`${tls("one.pem", "one-key.pem")}tls-client-ca = "old.pem"\n`, /client CA certificate in "old\.pem" expired/],
    [`${tls("old.pem", "old-key.pem")}tls-client-ca = "old.pem"\n`, /The certificate/, /The client CA certificate/],
    [amqp('broker-password-file = "short"\nca = "old.pem"'), /broker CA certificate in "old\.pem" expired/],
    ['[grpc]\ntls-cert = "one.pem"\n', /--tls-cert needs --tls-key/],
    [amqp(""), /password of the broker's user "chatd" is missing/],
    [amqp('broker-password-file = "gone"'), /gone/],
    [amqp('broker-password-file = "short"\nca = "gone.pem"'), /Cannot read "gone\.pem"/],
    [amqp('broker-password-file = "short"\nbroker-auth-secret-file = "short"'), /secret in "short" must have/],
    ['[amqp]\nbroker = "amqp://broker.example"\nbroker-password-file = "short"\n', /unencrypted/],
    ['data = "short"\n', /data folder "short" is a file/],
    ['limits.rate = "many"\n', /chatd\.toml:1: limits\.rate: /],
    [`data = "short"\n${tls("one.pem", "gone.pem")}${amqp("")}`, /gone\.pem/, /is missing/, /is a file/],
  ];
  for (const [config, ...words] of table) {
    const { code, stdout, stderr } = await check(folder.path, config);
    assert.deepEqual([code, stdout], [2, ""], `${config}\n${stderr}`);
    const lines = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("Try "));
    assert.equal(lines.length, words.length, stderr);
    for (const [i, pattern] of words.entries()) assert.match(lines[i], new RegExp(`^chatd: .*${pattern.source}`));
  }
});

Deno.test("--check-config reports a data folder whose server keeps its data in a database", async () => {
  using folder = temporaryFolder();
  Deno.mkdirSync(`${folder.path}/data`);
  Deno.writeTextFileSync(`${folder.path}/data/lease`, "token\n");
  const { code, stderr } = await check(folder.path, "");
  assert.equal(code, 2);
  assert.match(stderr, /keeps its data in a database: give --database/);
  const served = await check(folder.path, '[database]\nurl = "postgres://chatd@db/chatd"\nnode = "one"');
  assert.equal(served.code, 0, served.stderr);
});
