import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { join } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

for (const format of ["json", "text"]) {
  Deno.test(`no password, token or text is in the log (${format}), in metrics, or lies readable in the data folder`, async () => {
    await lookForSecrets(format);
  });
}

async function lookForSecrets(format: string): Promise<void> {
  using folder = temporaryFolder();
  const [metricsPort] = await freePorts(1);
  const args = ["--log-format", format, "--metrics-listen", `127.0.0.1:${metricsPort}`];
  const server = await ServerProcess.start({ folder: folder.path, args });
  const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const ana = await join("ana", transport);
  await ana.client.send("ana", "a secret of mine");
  const { token } = await ana.client.changePassword("correct horse battery", "staple of battery");
  await assert.rejects(
    transport.logIn({ user: "ana", password: "wrong guess 17", deviceName: "", deviceId: "" }, {}),
    { code: "unauthenticated" },
  );
  await assert.rejects(
    transport.logIn({ user: "hunter2.in.the.wrong.field", password: "x".repeat(12), deviceName: "", deviceId: "" }, {}),
    { code: "unauthenticated" },
  );
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  assert.match(metrics, /outcome="unauthenticated"/);
  await ana.client.logOut();
  await ana.stop();
  server.kill("SIGTERM");
  assert.equal((await server.status).code, 0);
  await server[Symbol.asyncDispose]();

  const said = [...server.stdout, ...server.stderr, metrics].join("\n");
  assert.match(
    said,
    format === "json" ? /"message":"session started".*"session":"\S+"/ : /session started session=\S+/,
  );
  const passwords = ["correct horse battery", "staple of battery", "wrong guess 17"];
  for (const secret of [...passwords, token, "a secret of mine", "hunter2"]) {
    assert.ok(!said.includes(secret), `the log has ${JSON.stringify(secret)}`);
  }
  for await (const { name, isFile } of Deno.readDir(folder.path)) {
    if (!isFile) continue;
    const bytes = new TextDecoder("latin1").decode(await Deno.readFile(`${folder.path}/${name}`));
    for (const secret of [...passwords, token]) assert.ok(!bytes.includes(secret), `${name} has ${secret}`);
    assert.equal((await Deno.stat(`${folder.path}/${name}`)).mode! & 0o077, 0, `${name} is readable for others`);
  }
}
