/**
 * A process that serves never begins a session of `node:http2`: those are not freed, and peers can end the process by
 * them. Nor does `chatd doctor`, which asks any server.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { credentials, Metadata } from "@grpc/grpc-js";
import { GrpcTransport } from "../../src/grpc/client/client_transport.ts";
import { createCertificates } from "../crash/certificates.ts";
import { HealthClient, ServerReflectionClient } from "../support/servers/grpc_js_services.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import { join, until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const trap = new URL("../support/processes/http2_trap_entry.ts", import.meta.url).href;
const program = fileURLToPath(trap);
/** What the program says: see `http2_trap_entry.ts`. */
const sessionMark = "node:http2 begins a session: ";

const certificates = await createCertificates();

async function start(folder: string, { tls }: { tls: boolean }) {
  const files = { certificate: `${folder}/certificate.pem`, key: `${folder}/key.pem` };
  await Deno.writeTextFile(files.certificate, certificates.server.certificate);
  await Deno.writeTextFile(files.key, certificates.server.key, { mode: 0o600 });
  const args = tls ? ["--tls-cert", files.certificate, "--tls-key", files.key] : [];
  const server = await ServerProcess.start({ folder: `${folder}/data`, program, args });
  const roots = new TextEncoder().encode(certificates.authority);
  const transport = (callback: boolean) =>
    new GrpcTransport({
      host: "127.0.0.1",
      port: server.port,
      tls: tls ? { roots, serverName: "localhost" } : undefined,
      callback,
    });
  const channel = [
    `127.0.0.1:${server.port}`,
    tls ? credentials.createSsl(Buffer.from(certificates.authority)) : credentials.createInsecure(),
    { "grpc.ssl_target_name_override": "localhost" },
  ] as const;
  return { server, args, transport, channel };
}

/** The lines about sessions, once the server has ended in order. */
async function sessionsOf(server: ServerProcess): Promise<string[]> {
  server.kill("SIGTERM");
  await server.ended();
  return server.stderr.filter((line) => line.includes(sessionMark));
}

for (const tls of [false, true]) {
  const how = tls ? "with TLS" : "without TLS";
  Deno.test(`streams, single calls, health and reflection are served by own HTTP/2, ${how}`, async () => {
    using folder = temporaryFolder();
    const { server, transport, channel } = await start(folder.path, { tls });
    await using _ = server;
    const [ana, ben] = [await join("ana", transport(false)), await join("ben", transport(false))];
    await ana.client.send("ben", "hello");
    await until(() => ben.received.length === 1);
    const health = new HealthClient(...channel);
    const status = await new Promise((resolve, reject) => {
      health.check({ service: "" }, new Metadata(), (error, answer) => error ? reject(error) : resolve(answer.status));
    });
    assert.equal(status, 1);
    health.close();
    const reflection = new ServerReflectionClient(...channel);
    const call = reflection.serverReflectionInfo();
    call.write({ host: "", messageRequest: { $case: "listServices", value: "" } });
    const { messageResponse } = await new Promise<{ messageResponse?: { $case: string } }>((resolve, reject) => {
      call.once("data", resolve);
      call.once("error", reject);
    });
    assert.equal(messageResponse?.$case, "listServicesResponse");
    call.end();
    reflection.close();
    for (const person of [ana, ben]) await person.stop();
    assert.deepEqual(await sessionsOf(server), []);
  });

  Deno.test(`clients are called back by own HTTP/2, ${how}`, async () => {
    using folder = temporaryFolder();
    const { server, transport } = await start(folder.path, { tls });
    await using _ = server;
    const ana = await join("ana", transport(false));
    const ben = await LinkClient.open(transport(true), ana.token, { consumer: "callback" });
    await ana.client.send("ana", "hello");
    assert.deepEqual(await ben.received(1), ["hello"]);
    await ben.close();
    await ana.stop();
    assert.deepEqual(await sessionsOf(server), []);
  });
}

Deno.test("chatd doctor asks a server by own HTTP/2, without TLS and with it", async () => {
  for (const tls of [false, true]) {
    using folder = temporaryFolder();
    const { server, args } = await start(folder.path, { tls });
    await using _ = server;
    const place = ["--data", `${folder.path}/data`, "--listen", `127.0.0.1:${server.port}`, ...args];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", program, "doctor", ...place],
    }).output();
    const decoder = new TextDecoder();
    assert.match(decoder.decode(stdout), /a server at \S+ reports over gRPC that it serves/);
    assert.ok(!decoder.decode(stderr).includes(sessionMark));
  }
});

/** Connects a client of `node:http2` to a server of it. */
const nodeSessions = `
import { connect, createServer } from "node:http2";
const server = createServer().listen(0, "127.0.0.1", () => {
  const client = connect("http://127.0.0.1:" + server.address().port, () => {
    client.destroy();
    server.close();
  });
});`;

Deno.test("sessions of node:http2 are noticed, of both roles", async () => {
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import ${JSON.stringify(trap)};\n${nodeSessions}`],
    stderr: "piped",
  }).output();
  const lines = new TextDecoder().decode(stderr).split("\n").filter((line) => line.startsWith(sessionMark));
  assert.deepEqual(lines.sort(), [`${sessionMark}ClientHttp2Session`, `${sessionMark}ServerHttp2Session`]);
});
