import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { parseMetrics } from "../support/checks/metrics_text.ts";
import { join } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

async function metricsAt(port: number): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(await response.text());
}

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

Deno.test("what people do is counted without their names, and again after the serving process died", async () => {
  using folder = temporaryFolder();
  const [port] = await freePorts(1);
  const args = ["--metrics-listen", `127.0.0.1:${port}`];
  await using server = await ServerProcess.start({ folder: folder.path, supervise: true, args });
  const transport = () => new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const [ana, ben] = [await join("ana", transport()), await join("ben", transport())];
  for (let count = 0; count < 5; count++) await ana.client.send("ben", `line ${count}`);
  await assert.rejects(ana.client.send("nobody", "hello"), { code: "not_found" });
  await eventually(() => ben.received.length === 5);
  const values = await metricsAt(port);
  assert.equal(values.get('chatd_sessions{transport="grpc"}'), 2);
  assert.equal(values.get('chatd_connections{transport="grpc"}'), 2);
  assert.equal(values.get('chatd_transport_up{transport="grpc"}'), 1);
  assert.equal(values.get("chatd_messages_accepted_total"), 5);
  assert.equal(values.get("chatd_delivery_lag_seconds_count"), 5);
  assert.equal(values.get('chatd_requests_refused_total{transport="grpc",code="not_found"}'), 1);
  assert.equal(values.get('chatd_logins_total{way="register",outcome="accepted"}'), 2);
  assert.doesNotMatch([...values.keys()].join("\n"), /ana|ben/);

  Deno.kill(server.servingPid(), "SIGKILL");
  await eventually(() => isReady(port));
  await eventually(async () => (await metricsAt(port)).get('chatd_sessions{transport="grpc"}') === 2);
  assert.equal((await metricsAt(port)).get("chatd_messages_accepted_total"), 0);

  // A server that goes says so while people still hear it.
  await Promise.all([ana.stop(), ben.stop()]);
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  assert.equal(await isReady(port), false);
});

Deno.test("metrics are not shown beyond this machine unless somebody says so, and a port that is taken ends the start", async () => {
  using folder = temporaryFolder();
  const start = (...args: string[]) =>
    runChatd({ args: ["serve", "--no-supervise", "--listen", "127.0.0.1:0", "--data", folder.path, ...args] });
  const open = await start("--metrics-listen", "0.0.0.0:0");
  assert.notEqual(open.code, 0);
  assert.match(open.stderr, /^chatd: Listening on 0\.0\.0\.0 would show the metrics .*--insecure/m);
  const checked = await start("--metrics-listen", "0.0.0.0:0", "--check-config");
  assert.equal(checked.code, 2);
  assert.match(checked.stderr, /would show the metrics/);
  assert.equal((await start("--metrics-listen", "0.0.0.0:0", "--insecure", "--check-config")).code, 0);
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refused = await start("--metrics-listen", `127.0.0.1:${taken.addr.port}`);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /Cannot listen on 127\.0\.0\.1 port \d+ for metrics/);
});
