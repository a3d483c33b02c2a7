import assert from "node:assert/strict";
import { requestManagement } from "../../../src/amqp/broker/management_http.ts";
import { createCertificates } from "../../crash/certificates.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";

const moduleUrl = new URL("../../../src/amqp/broker/management_http.ts", import.meta.url).href;
const { authority, server: { certificate: cert, key } } = await createCertificates();
const { authority: stranger } = await createCertificates();

function serve(handler: Deno.ServeHandler): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, handler);
}

Deno.test("requestManagement() sends requests over TLS to a server of the CA", async () => {
  const requests: string[] = [];
  await using server = serve(async (request) => {
    const { method, url, headers } = request;
    requests.push(`${method} ${new URL(url).pathname} ${headers.get("x-reason")} ${await request.text()}`);
    return method === "DELETE" ? new Response("gone", { status: 404 }) : new Response("fine");
  });
  const url = new URL(`https://localhost:${server.addr.port}/api/vhosts/%2F`);
  const options = { headers: { "x-reason": "a test" }, ca: authority, signal: AbortSignal.timeout(60_000) };
  assert.deepEqual(await requestManagement(url, { ...options, method: "GET" }), { status: 200, text: "fine" });
  assert.equal((await requestManagement(url, { ...options, method: "PUT", body: "{}" })).status, 200);
  assert.deepEqual(await requestManagement(url, { ...options, method: "DELETE" }), { status: 404, text: "gone" });
  assert.deepEqual(requests.map((line) => line.trimEnd()), [
    "GET /api/vhosts/%2F a test",
    "PUT /api/vhosts/%2F a test {}",
    "DELETE /api/vhosts/%2F a test",
  ]);
});

Deno.test("requestManagement() rejects with the reason of an abort", async () => {
  const attempt = new AbortController();
  const reason = new DOMException("too late", "TimeoutError");
  const answered = Promise.withResolvers<Response>();
  await using server = serve(() => {
    attempt.abort(reason);
    return answered.promise;
  });
  const url = new URL(`https://localhost:${server.addr.port}/`);
  const request = requestManagement(url, { method: "GET", headers: {}, ca: authority, signal: attempt.signal });
  assert.equal(await request.catch((error) => error), reason);
  answered.resolve(new Response());
});

Deno.test("requestManagement() trusts a CA instead of the system's roots", async () => {
  using folder = temporaryFolder();
  const file = (name: string, text: string) => {
    Deno.writeTextFileSync(`${folder.path}/${name}`, text);
    return `${folder.path}/${name}`;
  };
  await using server = serve(() => new Response("fine"));
  const script = file(
    "ask.ts",
    `import { requestManagement } from ${JSON.stringify(moduleUrl)};
     const [url, file] = Deno.args;
     const ca = file && Deno.readTextFileSync(file);
     const options = { method: "GET", headers: {}, ca, signal: AbortSignal.timeout(60_000) };
     console.log((await requestManagement(new URL(url), options)).text);`,
  );
  const system = file("system.pem", authority);
  const ask = async (...ca: string[]) => {
    const url = `https://localhost:${server.addr.port}/`;
    const args = ["run", "--quiet", "--no-check", "--cached-only", "-A", script, url, ...ca];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { DENO_CERT: system } }).output();
    return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
  };
  assert.equal(await ask(), "fine\n");
  assert.equal(await ask(system), "fine\n");
  assert.match(await ask(file("stranger.pem", stranger)), /unable to verify/);
});

Deno.test("requestManagement() sends a password for this machine to no HTTP proxy", async () => {
  using folder = temporaryFolder();
  const proxied: string[] = [];
  await using proxy = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    proxied.push(request.headers.get("authorization") ?? "");
    return new Response("proxied");
  });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("fine"));
  const script = `${folder.path}/ask.ts`;
  Deno.writeTextFileSync(
    script,
    `import { requestManagement } from ${JSON.stringify(moduleUrl)};
     const options = { method: "GET", headers: { authorization: "secret" }, signal: AbortSignal.timeout(60_000) };
     console.log((await requestManagement(new URL(Deno.args[0]), options)).text);`,
  );
  const address = `http://127.0.0.1:${proxy.addr.port}`;
  const env = { http_proxy: address, HTTP_PROXY: address, all_proxy: address, no_proxy: "", NO_PROXY: "" };
  for (const host of ["127.0.0.1", "localhost"]) {
    const url = `http://${host}:${server.addr.port}/`;
    const args = ["run", "--quiet", "--no-check", "--cached-only", "-A", script, url];
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
    assert.equal(new TextDecoder().decode(stdout), "fine\n", `${host}: ${new TextDecoder().decode(stderr)}`);
  }
  assert.deepEqual(proxied, []);
});
