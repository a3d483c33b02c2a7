import assert from "node:assert/strict";
import { connect } from "node:net";
import { silentLog } from "../../../src/core/log.ts";
import type { Certificate } from "../../../src/host/certificates/certificate.ts";
import { MetricsEndpoint } from "../../../src/host/metrics/metrics_endpoint.ts";
import type { Watched } from "../../../src/host/metrics/prometheus_metrics.ts";
import { parseMetrics } from "../../support/checks/metrics_text.ts";

const listen = { host: "127.0.0.1", port: 0 };

interface Opened extends AsyncDisposable {
  readonly endpoint: MetricsEndpoint;
  get(path: string, method?: string): Promise<{ status: number; text: string }>;
  values(): Promise<Map<string, number>>;
}

async function open(watched?: Watched): Promise<Opened> {
  const endpoint = await MetricsEndpoint.open({ listen, log: silentLog });
  if (watched !== undefined) endpoint.serving(watched);
  const get = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`, { method });
    return { status: response.status, text: await response.text() };
  };
  const values = async () => parseMetrics((await get("/metrics")).text);
  return { endpoint, get, values, [Symbol.asyncDispose]: () => endpoint.close() };
}

const certificates: Certificate[] = [
  { use: "server", file: "server.pem", validFrom: 0, validTo: Date.now() - 86_400_000 },
];
const grpc = { name: "grpc", isUp: true, connections: 3 };

const disk = { fileBytes: () => ({ database: 4096, log: 512 }), freeBytes: () => Promise.resolve(1_000_000) };

Deno.test("/metrics shows all metrics", async () => {
  await using opened = await open({
    transports: [grpc, { name: "amqp", isUp: false, isBlocked: true }],
    certificates: () => certificates,
    searchLag: () => 17,
    ...disk,
    droppedLines: () => 3,
    lease: { generation: 7, ageMs: 2_500 },
  });
  const { metrics } = opened.endpoint;
  metrics.sessionBegan("grpc");
  metrics.sessionBegan("grpc");
  metrics.sessionEnded("grpc", undefined);
  metrics.sessionEnded("grpc", "session_replaced");
  metrics.sessionBegan("grpc");
  metrics.committed({ messages: 3, events: 2, changes: 9, seconds: 0.002 });
  metrics.delivered(Date.now());
  metrics.refused("amqp", "rate_limited");
  metrics.loggedIn("log_in", "accepted");
  metrics.loggedIn("log_in", "unauthenticated");
  metrics.uploaded(4_096);
  const values = await opened.values();
  const expected = {
    'chatd_sessions{transport="grpc"}': 1,
    'chatd_certificate_days_left{use="server"}': -1.01,
    'chatd_sessions{transport="amqp"}': 0,
    'chatd_sessions_ended_total{transport="grpc",reason="left"}': 1,
    'chatd_sessions_ended_total{transport="grpc",reason="session_replaced"}': 1,
    "chatd_log_lines_dropped_total": 3,
    "chatd_messages_accepted_total": 3,
    "chatd_events_accepted_total": 2,
    "chatd_commit_duration_seconds_count": 1,
    "chatd_commit_duration_seconds_sum": 0.002,
    'chatd_commit_changes_bucket{le="5"}': 0,
    'chatd_commit_changes_bucket{le="10"}': 1,
    "chatd_delivery_lag_seconds_count": 1,
    'chatd_requests_refused_total{transport="amqp",code="rate_limited"}': 1,
    'chatd_logins_total{way="log_in",outcome="accepted"}': 1,
    'chatd_logins_total{way="log_in",outcome="unauthenticated"}': 1,
    "chatd_uploaded_bytes_total": 4_096,
    "chatd_uploaded_files_total": 1,
    "chatd_search_lag_entries": 17,
    'chatd_connections{transport="grpc"}': 3,
    'chatd_connections{transport="amqp"}': undefined,
    "chatd_serving": 1,
    "chatd_lease_generation": 7,
    "chatd_lease_age_seconds": 2.5,
    'chatd_transport_up{transport="grpc"}': 1,
    'chatd_transport_up{transport="amqp"}': 0,
    'chatd_transport_blocked{transport="grpc"}': undefined,
    'chatd_transport_blocked{transport="amqp"}': 1,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(name), value, name);
  assert.ok(values.get("process_cpu_seconds_total")! > 0);
  assert.ok(values.get("process_resident_memory_bytes")! > 1024 * 1024);
  assert.ok(Math.abs(values.get("process_start_time_seconds")! - Date.now() / 1_000) < 3_600);
});

Deno.test("CPU time never falls from one request to the next", async () => {
  await using opened = await open();
  const name = "process_cpu_seconds_total";
  const before = (await opened.values()).get(name)!;
  const after = (await opened.values()).get(name)!;
  assert.ok(after >= before && after < 2 * before + 60, `${before}, then ${after}`);
});

Deno.test("/healthz is ok while the process answers", async () => {
  await using opened = await open();
  assert.deepEqual(await opened.get("/healthz"), { status: 200, text: "ok\n" });
  opened.endpoint.stopping();
  assert.deepEqual(await opened.get("/healthz"), { status: 200, text: "ok\n" });
});

Deno.test("/readyz says why the server is not ready, and names transports that do not serve", async () => {
  await using opened = await open();
  assert.deepEqual(await opened.get("/readyz"), { status: 503, text: "starting\n" });
  opened.endpoint.standingBy("another node serves");
  assert.deepEqual(await opened.get("/readyz"), { status: 503, text: "another node serves\n" });
  assert.deepEqual(await opened.get("/readyz/grpc"), { status: 503, text: "another node serves\n" });
  const amqp = { name: "amqp", isUp: true, isBlocked: false };
  opened.endpoint.serving({
    transports: [grpc, amqp],
    certificates: () => [],
    searchLag: () => 0,
    ...disk,
    droppedLines: () => 0,
  });
  assert.deepEqual(await opened.get("/readyz"), { status: 200, text: "ready\n" });
  amqp.isUp = false;
  assert.deepEqual(await opened.get("/readyz"), { status: 503, text: "amqp is down\n" });
  assert.deepEqual(await opened.get("/readyz/amqp"), { status: 503, text: "amqp is down\n" });
  assert.deepEqual(await opened.get("/readyz/grpc"), { status: 200, text: "ready\n" });
  assert.deepEqual(await opened.get("/readyz/web"), { status: 503, text: "web is not served\n" });
  amqp.isBlocked = true;
  const blocked = "amqp is blocked: the broker takes no messages\n";
  assert.deepEqual(await opened.get("/readyz"), { status: 503, text: blocked });
  amqp.isUp = true;
  opened.endpoint.stopping();
  assert.deepEqual(await opened.get("/readyz"), { status: 503, text: "stopping\n" });
});

Deno.test("other paths are not found, and only GET and HEAD are allowed", async () => {
  await using opened = await open();
  for (const path of ["/", "/metrics/", "//metrics", "/debug/pprof", "/metrics%00"]) {
    assert.equal((await opened.get(path)).status, 404, path);
  }
  assert.equal((await opened.get("/metrics", "POST")).status, 405);
  assert.deepEqual(await opened.get("/metrics", "HEAD"), { status: 200, text: "" });
  assert.equal((await opened.get("/readyz?verbose=1")).status, 503);
});

Deno.test("open() names a port that is in use, and close() ends silent connections", async () => {
  const opened = await open();
  const { port } = opened.endpoint;
  await assert.rejects(MetricsEndpoint.open({ listen: { host: "127.0.0.1", port }, log: silentLog }), {
    code: "unavailable",
    message: new RegExp(`Cannot listen on 127.0.0.1 port ${port} for metrics`),
  });
  const silent = connect(port, "127.0.0.1");
  silent.on("error", () => {});
  const ended = new Promise<void>((resolve) => silent.on("close", () => resolve()));
  await new Promise<void>((resolve) => silent.once("connect", () => resolve()));
  await opened.endpoint.close();
  await ended;
});
