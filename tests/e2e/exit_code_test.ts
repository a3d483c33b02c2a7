import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { exitCode } from "../../src/commands/exit_code.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

/** Starts a server that must end by itself. */
async function refusal(args: readonly string[], command = "serve"): Promise<{ code: number; stderr: string }> {
  const { code, stdout, stderr } = await runChatd({ args: [command, ...args], env: { CHATD_LISTEN: "127.0.0.1:0" } });
  assert.equal(stdout, "");
  return { code, stderr };
}

Deno.test("a server ends with 78 where starting it again does not help, supervised or not", async () => {
  using folder = temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  {
    await using _server = await ServerProcess.start({ folder: at("newer") });
  }
  {
    using database = new DatabaseSync(at("newer/chatd.sqlite"));
    database.exec("PRAGMA user_version = 9999");
  }
  Deno.mkdirSync(at("damaged"));
  Deno.writeTextFileSync(at("damaged/chatd.sqlite"), "no database at all".repeat(100));
  Deno.writeTextFileSync(at("file"), "");
  const table: [args: string[], message: RegExp][] = [
    [["--data", at("newer")], /has version 9999, .*: use a newer chatd\.\n$/],
    [["--data", at("damaged")], /is damaged or not a database/],
    [["--data", at("file")], /is not a folder/],
    [["--data", at("new"), "--tls-cert", at("file"), "--tls-key", at("file")], /holds no certificate/],
    [["--data", at("new"), "--listen", "0.0.0.0:0"], /would send passwords and messages .* unencrypted/],
  ];
  for (const [args, message] of table) {
    for (const command of ["serve", "grpc-server"]) {
      for (const supervise of ["--supervise", "--no-supervise"]) {
        const { code, stderr } = await refusal([...args, supervise], command);
        assert.equal(code, exitCode.refused, stderr);
        assert.match(stderr, message);
      }
    }
  }
});

Deno.test("a server ends with 1 where another start may find a port or a data folder free", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path });
  const busy = await refusal(["--data", folder.path]);
  assert.equal(busy.code, exitCode.failed, busy.stderr);
  const { code, stderr } = await runChatd({
    args: ["serve", "--listen", `127.0.0.1:${server.port}`, "--data", `${folder.path}/other`],
  });
  assert.equal(code, exitCode.failed, stderr);
});

Deno.test("healthcheck ends with 0 while a server answers, and with 1 otherwise", async () => {
  using folder = temporaryFolder();
  const check = () => runChatd({ args: ["healthcheck"], env: { CHATD_DATA: folder.path } });
  {
    await using _server = await ServerProcess.start({ folder: folder.path });
    const { code, stdout, stderr } = await check();
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, /^chatd \S.* answers\.\n$/);
  }
  const { code, stdout, stderr } = await check();
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^chatd: No server of the data folder "[^"]+" answers\.\n$/);
});
