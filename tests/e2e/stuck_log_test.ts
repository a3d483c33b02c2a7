/** A server whose stderr is not read: a pipe to a program that stands still, a terminal after Ctrl-S. */
import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import { parseMetrics } from "../support/checks/metrics_text.ts";
import { join } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

/** Each character of it takes many in the log, which shows 64. */
const clientName = "\u202e".repeat(64);
/** As many sessions as a user may begin at once, less one. */
const visitsOfUser = 120;
/** What a pipe holds, what may wait before it, and more that is left out. */
const enoughBytes = 64 * 1024 + 1024 * 1024 + 256 * 1024;
const bytesOfVisit = 64 * "\\u202e".length + 500;

function transportTo({ port }: ServerProcess): Http2Transport {
  return new Http2Transport({ host: "127.0.0.1", port, callback: false });
}

/** Has the server log more than its pipe and its queue hold. */
async function fillLog(server: ServerProcess): Promise<void> {
  const users = Math.ceil(enoughBytes / bytesOfVisit / visitsOfUser);
  const transport = transportTo(server);
  for (let index = 0; index < users; index++) {
    const { token, stop } = await join(`visitor-${index}`, transport);
    await stop();
    for (let visit = 0; visit < visitsOfUser; visit++) {
      const client = await LinkClient.open(transport, token, { client: clientName });
      await client.close();
    }
  }
}

/** Each gives the event of a line, and how many lines it says were left out. */
const formats: Readonly<Record<string, (line: string) => { event: string; left?: string }>> = {
  json(line) {
    const { message, properties } = JSON.parse(line);
    return { event: message, left: properties.lines };
  },
  text(line) {
    const [, event, left] = /^\S+Z (?:info|warn|error) (.*?)(?: lines=(\d+)| \w+=.*)?$/.exec(line) ?? [];
    assert.ok(event !== undefined, `not a whole line: ${line}`);
    return { event, left };
  },
};

for (const [format, parse] of Object.entries(formats)) {
  Deno.test(`people chat while the log is not read; then it says what it left out (${format})`, async () => {
    using folder = temporaryFolder();
    const [metricsPort] = await freePorts(1);
    const args = ["--log-format", format, "--metrics-listen", `127.0.0.1:${metricsPort}`];
    await using server = await ServerProcess.start({
      folder: folder.path,
      supervise: true,
      args,
      holdStderr: true,
    });
    const dropped = async () => {
      const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return parseMetrics(text).get("chatd_log_lines_dropped_total")!;
    };
    const [ana, ben] = [await join("ana", transportTo(server)), await join("ben", transportTo(server))];
    await fillLog(server);
    const lost = await dropped();
    assert.ok(lost > 0);
    for (let count = 0; count < 20; count++) await ana.client.send("ben", `line ${count}`);
    await eventually(() => ben.received.length === 20);

    server.readStderr();
    await eventually(() => server.stderr.some((line) => line.includes("lines were dropped")));
    await Promise.all([ana.stop(), ben.stop()]);
    server.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
    const lines = server.stderr.map(parse);
    const events = lines.map(({ event }) => event);
    assert.deepEqual(events.slice(0, 1), ["metrics are shown"]);
    const notes = lines.filter(({ event }) => event.includes("lines were dropped"));
    assert.deepEqual(notes.map(({ left }) => Number(left)), [lost]);
    // What came after the note was logged as ever.
    assert.ok(events.indexOf("stopping") > lines.indexOf(notes[0]));
  });
}

Deno.test("a server whose log stays unread restarts what died, and ends in order", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({
    folder: folder.path,
    supervise: true,
    holdStderr: true,
  });
  const [ana, ben] = [await join("ana", transportTo(server)), await join("ben", transportTo(server))];
  await fillLog(server);
  // The supervisor has to log that it died, and the next one inherits the pipe.
  const killed = server.servingPid();
  Deno.kill(killed, "SIGKILL");
  await ana.client.send("ben", "after the restart");
  await eventually(() => ben.received.length === 1);
  assert.notEqual(server.servingPid(), killed);
  await Promise.all([ana.stop(), ben.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
});

Deno.test("a server that may not start ends with its code, also when nobody reads why", async () => {
  using folder = temporaryFolder();
  await using _running = await ServerProcess.start({ folder: folder.path });
  // A pipe that is full from the start.
  const script = `exec 3> >(sleep 600); sleeper=$!; head -c 65536 /dev/zero >&3;
    "$@" 2>&3 < /dev/null; code=$?; kill $sleeper; exit $code`;
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const args = ["run", "-A", main, "grpc-server", "--listen", "127.0.0.1:0", "--data", folder.path];
  for (const supervise of ["--supervise", "--no-supervise"]) {
    const { code } = await new Deno.Command("bash", {
      args: ["-c", script, "bash", Deno.execPath(), ...args, supervise],
      stdout: "null",
    }).output();
    assert.equal(code, 1);
  }
});
