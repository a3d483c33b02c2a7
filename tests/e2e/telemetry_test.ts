/** What Deno's own OpenTelemetry sends of a server, as docs/operating.md has it. */
import assert from "node:assert/strict";
import { eventually } from "../support/waiting/eventually.ts";
import { scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

Deno.test("a collector gets spans of calls and the log, and nothing of what people wrote or logged in with", async () => {
  using folder = temporaryFolder();
  const received = new Map<string, string>();
  const latin1 = new TextDecoder("latin1");
  const collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    received.set(pathname, (received.get(pathname) ?? "") + latin1.decode(await request.bytes()));
    return new Response(null, { headers: { "content-type": "application/x-protobuf" } });
  });
  try {
    const env = {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: "chatd",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_BLRP_SCHEDULE_DELAY: "100",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    };
    await using server = await ServerProcess.start({ folder: `${folder.path}/data`, env });
    const ana = new ScriptUser("ana", { folder: folder.path, place: ["--server", `127.0.0.1:${server.port}`] });
    const registered = await ana.register();
    assert.equal(registered.code, 0, registered.stderr);
    const sent = await ana.run(["send", "--to", "ana", "a private note"]);
    assert.equal(sent.code, 0, sent.stderr);

    const got = (path: string, words: string) => (received.get(path) ?? "").includes(words);
    await eventually(() => got("/v1/traces", "chatd.v1.ChatService/Connect") && got("/v1/logs", "session started"));
    for (const attribute of ["rpc.system", "rpc.service", "rpc.grpc.status_code"]) {
      assert.ok(got("/v1/traces", attribute), attribute);
    }
    const state = [...Deno.readDirSync(`${folder.path}/ana/chatd`)].find(({ name }) => name.endsWith("_ana.json"))!;
    const { token } = JSON.parse(Deno.readTextFileSync(`${folder.path}/ana/chatd/${state.name}`));
    assert.equal(typeof token, "string");
    for (const secret of ["a private note", scriptPassword, token]) {
      for (const [path, text] of received) assert.ok(!text.includes(secret), path);
      assert.ok(!server.stderr.join("\n").includes(secret));
    }
  } finally {
    await collector.shutdown();
  }
});

Deno.test("a supervised server whose log goes to the collector alone serves, and writes none of it to stderr", async () => {
  using folder = temporaryFolder();
  let received = "";
  const latin1 = new TextDecoder("latin1");
  const collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    received += latin1.decode(await request.bytes());
    return new Response(null, { headers: { "content-type": "application/x-protobuf" } });
  });
  try {
    const env = {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "replace",
      OTEL_BLRP_SCHEDULE_DELAY: "100",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
    };
    const args = ["--metrics-listen", "127.0.0.1:0"];
    await using server = await ServerProcess.start({ folder: folder.path, supervise: true, args, env });
    await eventually(() => received.includes("metrics are shown"));
    server.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
    assert.deepEqual(server.stderr, []);
  } finally {
    await collector.shutdown();
  }
});
