import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { lockFolder } from "../../src/store/folder_lock.ts";
import { createCertificates } from "../crash/certificates.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { shownName, writeKeyPair as write } from "../support/proxies/tls_files.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const { server: first, client: second, expiredClient: expired } = await createCertificates();

const says = (server: ServerProcess, pattern: RegExp) => server.stderr.filter((line) => pattern.test(line));

for (const supervise of [true, false]) {
  const how = supervise ? "a supervised server" : "a server without a supervisor";

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
  const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
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
