/** A serving process that lives and does nothing; SIGSTOP makes one of any. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { essence, join } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const program = fileURLToPath(new URL("../support/processes/impatient_server.ts", import.meta.url));
/** Longer than `impatient_server.ts` waits, in milliseconds. */
const tooLongMs = 4_000;

/** Lets so much time pass: here time itself is what is tested. */
function passing(ms: number): Promise<void> {
  const end = performance.now() + ms;
  return eventually(() => performance.now() > end);
}

function hangs(server: ServerProcess): number {
  return server.stderr.filter((line) => line.includes("the serving process hangs")).length;
}

Deno.test("a serving process that hangs is replaced, and people chat on without loss", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true, program });
  const transport = () => new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
  await ana.client.send("ben", "before");
  const hanging = server.servingPid();
  Deno.kill(hanging, "SIGSTOP");
  await ana.client.send("ben", "meanwhile");
  await eventually(() => ben.received.length === 2);
  assert.deepEqual(ben.received.map(essence), ana.accepted.map(essence));
  assert.notEqual(server.servingPid(), hanging);
  await Promise.all([ana.stop(), ben.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  assert.equal(hangs(server), 1);
});

Deno.test("time in which the supervisor stood still, too, is not held against the serving process", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true, program });
  const serving = server.servingPid();
  Deno.kill(serving, "SIGSTOP");
  // It is asked, and does not answer.
  await passing(500);
  server.kill("SIGSTOP");
  await passing(tooLongMs);
  server.kill("SIGCONT");
  Deno.kill(serving, "SIGCONT");
  await passing(500);
  assert.equal(server.servingPid(), serving);
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  assert.equal(hangs(server), 0);
});

Deno.test("a serving process that hangs while it stops is killed", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true, program });
  Deno.kill(server.servingPid(), "SIGSTOP");
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 137);
  assert.equal(hangs(server), 1);
});

Deno.test("a serving process that a test left frozen ends with the test", async () => {
  using folder = temporaryFolder();
  const server = await ServerProcess.start({ folder: folder.path, supervise: true });
  Deno.kill(server.servingPid(), "SIGSTOP");
  let isGone = false;
  void server[Symbol.asyncDispose]().then(() => isGone = true);
  await eventually(() => isGone);
});
