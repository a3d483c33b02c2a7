import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { lockFolder } from "../../src/store/folder_lock.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { MessageLoad, receivesAll, unlimited } from "../support/servers/message_load.ts";
import { join, until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

function isAlive(pid: number): boolean {
  try {
    // Stops nobody: a process that runs goes on running.
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether nobody owns the folder. */
function isFree(folder: string): boolean {
  try {
    lockFolder(folder).release();
    return true;
  } catch {
    return false;
  }
}

Deno.test("a serving process that dies comes back on its port, and nothing accepted is lost", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({
    folder: folder.path,
    supervise: true,
    args: unlimited,
  });
  const transport = () => new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
  const load = new MessageLoad(ana, { to: "ben" });
  for (const signal of ["SIGABRT", "SIGKILL", "SIGABRT"] as const) {
    await load.accepts(100);
    const killed = server.servingPid();
    assert.notEqual(killed, server.pid);
    Deno.kill(killed, signal);
    await until(() => !isAlive(killed));
    await load.goesOn();
    assert.notEqual(server.servingPid(), killed);
  }
  await load.stop();
  await receivesAll(ben, ana);
  await Promise.all([ana.stop(), ben.stop()]);

  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  assert.equal(server.stdout.filter((line) => line.includes("listens on")).length, 1, "it greets once");
  assert.equal(server.stderr.filter((line) => line.includes("the serving process died")).length, 3);
});

Deno.test("a signal to the supervisor, or to both processes, ends both in order", async () => {
  for (const both of [false, true]) {
    using folder = temporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, supervise: true });
    const serving = server.servingPid();
    if (both) Deno.kill(serving, "SIGINT");
    server.kill("SIGINT");
    assert.equal((await server.ended()).code, 0);
    await until(() => !isAlive(serving));
    assert.ok(server.stderr.some((line) => /"message":"stopping".*"reason":"SIGINT"/.test(line)));
    assert.ok(isFree(folder.path));
  }
});

Deno.test("a signal that comes twice at once, as Ctrl-C under deno task does, counts once", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true });
  for (let count = 0; count < 3; count++) server.kill("SIGINT");
  assert.equal((await server.status).code, 0);
});

Deno.test("a second signal ends both processes at once", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true });
  const serving = server.servingPid();
  // Stopped, it cannot do what it is asked to.
  Deno.kill(serving, "SIGSTOP");
  server.kill("SIGTERM");
  // An echo of the first one does not count, whenever that comes.
  const again = setInterval(() => {
    try {
      server.kill("SIGINT");
    } catch (error) {
      // It has ended, and its status is on its way.
      if (!(error instanceof TypeError)) throw error;
    }
  }, 50);
  const status = await server.status.finally(() => clearInterval(again));
  assert.equal(status.code, 1);
  await until(() => !isAlive(serving) && isFree(folder.path));
});

Deno.test("a serving process whose supervisor was killed stops, and frees port and data folder", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true });
  const serving = server.servingPid();
  server.kill("SIGKILL");
  await until(() => !isAlive(serving));
  assert.ok(isFree(folder.path));
  Deno.listen({ hostname: "127.0.0.1", port: server.port }).close();
});

Deno.test("a server that cannot start says why once, and is not started again", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path });
  const table: [string, number, RegExp][] = [
    [`--listen 127.0.0.1:${server.port} --data ${folder.path}/other`, 1, /^chatd: Cannot listen on [^\n]+\n$/],
    [`--listen 127.0.0.1:0 --data ${folder.path}`, 1, /^chatd: The data folder "[^\n]+ is in use by another[^\n]+\n$/],
    [`--listen nowhere`, 2, /^chatd: [^\n]+\n[^\n]+\n$/],
  ];
  for (const [args, expected, message] of table) {
    const { code, stdout, stderr } = await runChatd({ args: ["grpc-server", ...args.split(" ")] });
    assert.deepEqual([code, stdout], [expected, ""]);
    assert.match(stderr, message);
  }
});
