import assert from "node:assert/strict";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { GrpcTransport } from "../../src/grpc/client_transport.ts";
import { lockFolder } from "../../src/store/folder_lock.ts";
import { createCertificates, type KeyPair } from "../crash/certificates.ts";
import { rejectsWith } from "../support/chat_error_assertions.ts";
import { runChatd } from "../support/chatd_process.ts";
import { join, until } from "../support/person.ts";
import { ServerProcess } from "../support/server_process.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";
import { hasTmux, Tmux } from "../support/tmux.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const { authority, server: first, client: second, expiredClient: expired } = await createCertificates();

function write(folder: string, { certificate, key }: KeyPair): void {
  Deno.writeTextFileSync(`${folder}/server-key.pem`, key);
  Deno.writeTextFileSync(`${folder}/server.pem`, certificate);
}

/** The name in the certificate that a server shows; undefined where nobody listens. */
function shownName(port: number): Promise<string | undefined> {
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

const says = (server: ServerProcess, pattern: RegExp) => server.stderr.filter((line) => pattern.test(line));

for (const supervise of [true, false]) {
  const how = supervise ? "a supervised server" : "a server without a supervisor";

  Deno.test(`SIGHUP has ${how} show a new certificate, and clients come back and lose nothing`, async () => {
    using folder = temporaryFolder();
    write(folder.path, first);
    await using server = await ServerProcess.start({
      folder: `${folder.path}/data`,
      supervise,
      args: ["--tls-cert", `${folder.path}/server.pem`, "--tls-key", `${folder.path}/server-key.pem`],
    });
    assert.equal(await shownName(server.port), "localhost");
    const transport = () =>
      new GrpcTransport({
        host: "127.0.0.1",
        port: server.port,
        callback: false,
        tls: { roots: new TextEncoder().encode(authority), serverName: "localhost" },
      });
    const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
    await ana.client.send("ben", "before");

    for (const bad of [{ ...first, certificate: "nonsense" }, { ...second, key: first.key }, expired]) {
      const refusals = says(server, /"not reloaded/).length;
      write(folder.path, bad);
      server.kill("SIGHUP");
      await until(() => says(server, /"not reloaded/).length > refusals);
      assert.equal(await shownName(server.port), "localhost");
    }
    assert.match(says(server, /"not reloaded/).at(-1)!, /server\.pem\\" expired at 2/);
    assert.deepEqual(says(server, /"serving again"/), []);

    write(folder.path, second);
    const serving = server.servingPid();
    server.kill("SIGHUP");
    await until(() => says(server, /"serving again"/).length === 1);
    assert.equal(await shownName(server.port), "client");
    assert.equal(server.servingPid() === serving, !supervise);
    await ana.client.send("ben", "after");
    await until(() => ben.received.length === 2);
    assert.deepEqual(ben.received.map(({ text }) => text), ["before", "after"]);
    await Promise.all([ana.stop(), ben.stop()]);
    assert.deepEqual(says(server, /process died/), []);
    server.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
  });

  Deno.test({
    name: `${how} in the foreground of a terminal ends in order when the terminal is closed`,
    ignore: !hasTmux,
    async fn() {
      using folder = temporaryFolder();
      const data = `${folder.path}/data`;
      {
        await using terminal = await Tmux.start({ folder: folder.path, columns: 100, rows: 20 });
        const flag = supervise ? "--supervise" : "--no-supervise";
        const run = `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${main}"`;
        await terminal.type(`${run} grpc-server --listen 127.0.0.1:0 --data ${data} ${flag}`, "Enter");
        await terminal.sees(/listens on/);
        assert.throws(() => lockFolder(data), /in use/);
      }
      lockFolder(data).release();
      assert.throws(() => Deno.statSync(`${data}/chatd.sqlite-wal`), Deno.errors.NotFound, "it did not end in order");
    },
  });
}

Deno.test("SIGHUP has a supervised server read its configuration anew, unless something is wrong with it", async () => {
  using folder = temporaryFolder();
  const config = `${folder.path}/chatd.toml`;
  Deno.writeTextFileSync(config, 'registration = "open"\n');
  const options = { folder: `${folder.path}/data`, supervise: true, args: ["--config", config] };
  await using server = await ServerProcess.start(options);
  const transport = new GrpcTransport({ host: "127.0.0.1", port: server.port, callback: false });
  const register = (user: string) =>
    transport.register({ user, password: "correct horse battery", invite: "", deviceName: "" }, {});
  await register("ana");

  Deno.writeTextFileSync(config, 'registration = "clozed"\n');
  server.kill("SIGHUP");
  await until(() => says(server, /"not reloaded.*chatd\.toml:1: registration/).length === 1);
  await register("ben");

  Deno.writeTextFileSync(config, 'registration = "closed"\n');
  server.kill("SIGHUP");
  await until(() => says(server, /"serving again"/).length === 1);
  await rejectsWith("registration_closed", register("eve"));
});

Deno.test("a serving process that died comes back with an expired certificate, and once a broken one is mended", async () => {
  using folder = temporaryFolder();
  write(folder.path, first);
  const args = ["--tls-cert", `${folder.path}/server.pem`, "--tls-key", `${folder.path}/server-key.pem`];
  await using server = await ServerProcess.start({ folder: `${folder.path}/data`, supervise: true, args });
  write(folder.path, expired);
  Deno.kill(server.servingPid(), "SIGKILL");
  await until(() => says(server, /"serving again"/).length === 1);
  assert.equal(says(server, /"a certificate in use is not valid".*expired at 2/).length, 1);

  write(folder.path, { ...first, certificate: "half of a cert" });
  Deno.kill(server.servingPid(), "SIGKILL");
  await until(() => says(server, /holds no certificate in PEM/).length >= 2);
  write(folder.path, second);
  await until(() => says(server, /"serving again"/).length === 2);
  assert.equal(await shownName(server.port), "client");
});

Deno.test("a server does not start with an expired certificate, and says that starting again is of no use", async () => {
  using folder = temporaryFolder();
  write(folder.path, expired);
  const tls = ["--tls-cert", "server.pem", "--tls-key", "server-key.pem", "--listen", "127.0.0.1:0"];
  for (const supervise of ["--supervise", "--no-supervise"]) {
    for (const command of ["serve", "grpc-server"]) {
      const { code, stderr, stdout } = await runChatd({ args: [command, ...tls, supervise], cwd: folder.path });
      assert.deepEqual([code, stdout], [78, ""], stderr);
      assert.match(stderr, /^chatd: The certificate in "server\.pem" expired at 2\S+: renew it\.\n$/);
    }
  }
});
