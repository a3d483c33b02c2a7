import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";

function bench(line: string, env: Record<string, string> = {}) {
  let err = "";
  const output = { stdout() {}, stderr: (text: string) => void (err += text), colors: false, width: undefined };
  const args = ["bench", ...line.split(" ").filter((word) => word !== "")];
  const result = parseCommandLine(args, { env: (variable) => env[variable], output });
  return typeof result === "number"
    ? { code: result, err }
    : { options: result.options as Record<string, unknown>, err };
}

Deno.test("bench starts its own servers, and skips workloads that need gigabytes", () => {
  assert.deepEqual(bench("").options, {
    relay: undefined,
    workloads: ["w1", "w2", "w3", "w4", "w6"],
    systems: undefined,
    seconds: 10,
    rounds: 1,
    sessions: 10_000,
    messages: 10_000_000,
    storeFolder: undefined,
    folder: undefined,
    database: undefined,
    json: false,
    htmlFile: undefined,
    server: undefined,
    serverPid: undefined,
    broker: undefined,
    brokerPid: undefined,
    tls: undefined,
    insecure: false,
  });
});

Deno.test("workloads and systems are lists with a fixed order", () => {
  const { options } = bench("--workload w5,w1 --system amqp,grpc-stream");
  assert.deepEqual(options?.workloads, ["w1", "w5"]);
  assert.deepEqual(options?.systems, ["grpc-stream", "amqp"]);
  assert.match(bench("--workload w1,w9").err, /Unknown name "w9": choose from w1, w2/);
});

Deno.test("bench ignores the server that the environment names for clients", () => {
  const env = { CHATD_SERVER: "chat.example.org:443", CHATD_BROKER: "amqp://example.org", CHATD_TLS: "1" };
  assert.deepEqual(bench("", env), bench(""));
});

Deno.test("options about the server need --server", () => {
  for (const option of ["--server-pid 1", "--broker amqp://127.0.0.1", "--tls"]) {
    assert.match(bench(option).err, /needs --server\./);
  }
  assert.match(bench("--server 127.0.0.1:1 --broker-pid 1").err, /--broker-pid needs --broker/);
  assert.deepEqual(bench("--server 127.0.0.1:1 --server-pid 7").options?.serverPid, 7);
});
