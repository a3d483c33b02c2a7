/** Live sessions while the proxy before the server ends connections: nothing is lost, nothing comes twice. */
import assert from "node:assert/strict";
import { randomBytes } from "../../support/checks/files.ts";
import { HAProxy } from "../../support/proxies/haproxy.ts";
import { Nginx } from "../../support/proxies/nginx.ts";
import { comeBack, essence, until } from "../../support/servers/person.ts";
import { replaced, type ReverseProxy, type ReverseProxyOptions } from "../../support/proxies/reverse_proxy.ts";
import { scriptPassword, ScriptUser } from "../../support/processes/script_user.ts";
import { ServerProcess } from "../../support/processes/server_process.ts";
import { temporaryFolder } from "../../support/checks/temporary_folder.ts";
import { transportTo, writeCertificate } from "./routes.ts";

const stack = new AsyncDisposableStack();
Deno.test.afterAll(async () => await stack.disposeAsync());
const folder = stack.use(temporaryFolder()).path;
const { caFile, certificate } = await writeCertificate(folder);
const server = stack.use(await ServerProcess.start({ folder: `${folder}/data`, args: ["--no-callback"] }));

/** A change of the documented configuration, by which connections or calls end. */
interface Ending {
  readonly name: string;
  open(options: ReverseProxyOptions): Promise<ReverseProxy>;
  change(config: string): string;
  /** Ends the calls that are open; the proxy does it by itself unless given. */
  end?(proxy: ReverseProxy): Promise<void>;
  /** Live sessions are broken off, and come back. */
  readonly breaksSessions: boolean;
}

const behind = (line: string, added: string) => (config: string) => replaced(config, [[line, `${line}\n${added}`]]);

const endings: readonly Ending[] = [
  {
    name: "nginx sends GOAWAY after each call",
    open: (options) => Nginx.open(options),
    change: behind("client_max_body_size 0;", "keepalive_requests 1;"),
    breaksSessions: false,
  },
  {
    name: "nginx ends calls that were silent for a second",
    open: (options) => Nginx.open(options),
    change: (config) => replaced(config, [["grpc_read_timeout 1d;", "grpc_read_timeout 1s;"]]),
    breaksSessions: true,
  },
  {
    name: "nginx is reloaded",
    open: (options) => Nginx.open(options),
    change: behind("daemon off;", "worker_shutdown_timeout 1s;"),
    end: (nginx) => nginx.reload(),
    breaksSessions: true,
  },
  {
    name: "HAProxy ends calls that were silent for a second",
    open: (options) => HAProxy.open(options),
    change: (config) => replaced(config, [["timeout server 1d", "timeout server 1s"]]),
    breaksSessions: true,
  },
  {
    name: "HAProxy is reloaded",
    open: (options) => HAProxy.open(options),
    change: (config) => `global\n    hard-stop-after 1s\n${config}`,
    end: (haproxy) => haproxy.reload(),
    breaksSessions: true,
  },
];

const perRound = 30;

/** Returns how many sessions of a user the server has begun, as its log says. */
function sessionsOf(user: string): number {
  return server.stderr.filter((line) => line.includes('"session started"') && line.includes(`"${user}"`)).length;
}

/** Registers without the proxy, which gives up calls that take a second. @returns the token */
async function register(user: string): Promise<string> {
  const direct = transportTo({ name: "directly", port: server.port });
  const { credentials } = await direct.register({ user, password: scriptPassword, invite: "", deviceName: "" }, {});
  return credentials!.token;
}

for (const { name, open, change, end, breaksSessions } of endings) {
  Deno.test(`two people miss nothing and get nothing twice while ${name}`, async () => {
    await using proxy = await open({ serverPort: server.port, folder, certificate, change });
    const transport = transportTo({ name, port: proxy.port, caFile });
    const users = ["ana", "ben"].map((user) => `${user}-${proxy.port}`);
    const tokens = await Promise.all(users.map(register));
    const [ana, ben] = await Promise.all(tokens.map((token) => comeBack(token, transport)));
    const texts = Array.from({ length: 3 * perRound }, (_, index) => `message ${index}`);
    for (let round = 0; round < 3; round++) {
      const some = texts.slice(round * perRound, (round + 1) * perRound);
      const sent = some.flatMap((text) => [ana.client.send(users[1], text), ben.client.send(users[0], text)]);
      await end?.(proxy);
      await Promise.all(sent);
      for (const person of [ana, ben]) await until(() => person.received.length >= (round + 1) * perRound);
      if (breaksSessions) { for (const user of users) await until(() => sessionsOf(user) >= round + 2); }
    }
    for (const [reader, writer] of [[ana, ben], [ben, ana]]) {
      assert.deepEqual(reader.received.map(({ text }) => text), texts);
      assert.deepEqual(reader.received.map(essence), writer.accepted.map(essence));
    }
    await ana.stop();
    await ben.stop();
    if (!breaksSessions) assert.deepEqual(users.map(sessionsOf), [1, 1]);
  });
}

Deno.test("a file arrives although nginx sends GOAWAY every few calls", async () => {
  const change = behind("client_max_body_size 0;", "keepalive_requests 5;");
  await using proxy = await Nginx.open({ serverPort: server.port, folder, certificate, change });
  const place = ["--server", `localhost:${proxy.port}`, "--ca", caFile];
  const cleo = new ScriptUser("cleo", { folder, place });
  assert.equal((await cleo.register()).code, 0);
  const file = `${folder}/report.pdf`;
  Deno.writeFileSync(file, randomBytes(500_000));
  const { code, stderr } = await cleo.run(["send", "--to", "cleo", "--file", file]);
  assert.equal(code, 0, stderr);
  const { stdout } = await cleo.run(["history", "--with", "cleo", "--json"]);
  assert.match(stdout, /"name":"report.pdf"/);
  assert.match(stdout, /"size":"500000"/);
});
