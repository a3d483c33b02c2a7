import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import type { Log } from "../../src/core/log.ts";
import { startAmqpServer } from "../../src/amqp/server/server.ts";
import { startTestAmqpServer, startTestBroker } from "../support/brokers/amqp_server.ts";
import { join, until } from "../support/servers/person.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const broker = await startTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

Deno.test("while the server does not answer the broker, sessions continue and new ones wait", async () => {
  const folder = temporaryFolder();
  const first = await startTestAmqpServer(broker, { folder: folder.path });
  const ana = await join("ana", first.transport("ana"));
  const transport = first.transport("ben");
  const ben = await join("ben", transport);
  await first.endpoint.close();
  await ana.client.send("ben", "hello");
  await until(() => ben.received.length === 1);
  const request = { user: "ben", password: "correct horse battery", deviceName: "", deviceId: "" };
  await assert.rejects(transport.logIn(request, {}), (error) => {
    assert.ok(error instanceof ChatError);
    assert.equal(error.code, "unavailable");
    assert.match(error.message, /no chatd server answers/);
    return true;
  });
  await first.stop({ inPeace: true });
  // The clients wait now; a refusal by a broker that could not ask is not final.
  await until(() => ana.client.state.kind === "offline");
  await using second = await startTestAmqpServer(broker, { folder: folder.path });
  await ana.client.send("ben", "again");
  await until(() => ben.received.length === 2);
  await Promise.all([ana.stop(), ben.stop()]);
  await second.stop({ inPeace: true });
  folder[Symbol.dispose]();
});

Deno.test("a refusal while reconnecting ends the client, with the reason", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const ana = await join("ana", chatd.transport("ana"));
  await broker.node.crash();
  await until(() => ana.client.state.kind === "offline");
  await chatd.chat.accounts.disable("ana");
  await broker.node.restart();
  await until(() => ana.client.state.kind === "ended");
  assert.ok(ana.client.state.kind === "ended");
  assert.equal(ana.client.state.error?.code, "unauthenticated");
  assert.match(ana.client.state.error.message, /refused the login of "ana"/);
  await ana.stop();
});

/** Proxies the broker; each connection ends after as many bytes from the broker as `allowance` returns. */
class CuttingProxy {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<unknown>;
  allowance: () => number = () => Infinity;

  constructor(port: number) {
    this.#done = this.#serve(port);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  cut(): void {
    for (const end of this.#open) this.#end(end);
  }

  async close(): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#done;
  }

  async #serve(port: number): Promise<void> {
    const passing: Promise<unknown>[] = [];
    for await (const client of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#open.add(client).add(far);
      passing.push(this.#pass(client, far, Infinity), this.#pass(far, client, this.allowance()));
    }
    await Promise.all(passing);
  }

  async #pass(from: Deno.Conn, to: Deno.Conn, allowance: number): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (let left = allowance; left > 0;) {
        const count = await from.read(buffer);
        if (count === null) break;
        for (let at = 0, end = Math.min(count, left); at < end;) at += await to.write(buffer.subarray(at, end));
        left -= count;
      }
    } catch {
      // The other direction has ended it.
    }
    this.#end(from);
    this.#end(to);
  }

  #end(end: Deno.Conn): void {
    if (this.#open.delete(end)) end.close();
  }
}

Deno.test("a server recovers however often, and at whatever point, its new connection is lost", async () => {
  const warnings: string[] = [];
  let isBack = false;
  const log: Log = { info: () => isBack = true, warn: (event) => void warnings.push(event), error() {} };
  await using chatd = await startTestAmqpServer(broker, { log });
  await chatd.server.close({ deadlineMs: 0 });
  const proxy = new CuttingProxy(broker.node.amqpPort);
  const server = await startAmqpServer({
    ...chatd.serverOptions,
    broker: { ...broker.address, port: proxy.port },
    backoff: { initialMs: 1, maxMs: 2 },
  });
  let failure: unknown;
  let tries = 0;
  server.failed.catch((error) => failure = error);
  // The broker's greeting, about half a kilobyte, is most of what it sends before requests are served.
  proxy.allowance = () => 400 + 15 * tries++;
  proxy.cut();
  await until(() => isBack || failure !== undefined);
  proxy.allowance = () => Infinity;
  proxy.cut();
  assert.equal(failure, undefined);
  const ana = await join("ana", chatd.transport("ana"));
  assert.equal(failure, undefined);
  assert.equal(server.sessions, 1);
  assert.ok(warnings.includes("cannot serve yet; retrying"));
  await ana.stop();
  await server.close({ deadlineMs: 1_000 });
  await proxy.close();
});

Deno.test("a second server on the same broker reports the first and does not start", async () => {
  await using first = await startTestAmqpServer(broker);

  const options = first.serverOptions;
  await assert.rejects(startAmqpServer(options), (error) => {
    assert.ok(error instanceof ChatError);
    assert.equal(error.code, "already_exists");
    assert.match(error.message, /Another chatd server/);
    return true;
  });
});

Deno.test("a restarted server waits until its predecessor's connection is gone, and can be stopped meanwhile", async () => {
  await using first = await startTestAmqpServer(broker);
  const [heir, stopped] = await Promise.all(
    [0, 1].map(() => startAmqpServer({ ...first.serverOptions, isRestart: true })),
  );
  let isReady = false;
  void heir.ready.then(() => isReady = true);
  await stopped.close({ deadlineMs: 0 });
  assert.ok(!isReady);
  await first.server.close({ deadlineMs: 0 });
  await Promise.race([heir.ready, heir.failed]);
  await heir.close({ deadlineMs: 0 });
});

Deno.test("a restarted server ignores the first refusals of its broker, but not the fifth", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await chatd.server.close({ deadlineMs: 0 });
  const refusal = new ChatError("permission_denied", "The broker asks somebody else.");
  const start = (isRestart: boolean, errors: (ChatError | undefined)[]) => {
    let asked = 0;
    const inspect = () => {
      const error = errors[Math.min(asked++, errors.length - 1)];
      return error === undefined ? Promise.resolve() : Promise.reject(error);
    };
    return { asked: () => asked, server: startAmqpServer({ ...chatd.serverOptions, isRestart, inspect }) };
  };
  const away = new ChatError("unavailable", "No broker is there.");
  const waits = start(true, [away, refusal, refusal, away, away, away, away, undefined]);
  const server = await waits.server;
  await Promise.race([server.ready, server.failed]);
  await server.close({ deadlineMs: 0 });
  const refused = start(true, [refusal]);
  const gone = await refused.server;
  await assert.rejects(gone.failed, refusal);
  assert.equal(refused.asked(), 5);
  await gone.close({ deadlineMs: 0 });
  const first = start(false, [refusal]);
  await assert.rejects(first.server, refusal);
  assert.equal(first.asked(), 1);
});

Deno.test("a server that another one replaced during its absence reports that and stops", async () => {
  await using chatd = await startTestAmqpServer(broker);
  await chatd.server.close({ deadlineMs: 0 });
  const proxy = new CuttingProxy(broker.node.amqpPort);
  const away = await startAmqpServer({
    ...chatd.serverOptions,
    broker: { ...broker.address, port: proxy.port },
    placeDeadlineMs: 300,
  });
  // It receives a byte, but no connection.
  proxy.allowance = () => 1;
  proxy.cut();
  const other = await startAmqpServer({ ...chatd.serverOptions, isRestart: true });
  await Promise.race([other.ready, other.failed]);
  proxy.allowance = () => Infinity;
  await assert.rejects(away.failed, (error) => {
    assert.ok(error instanceof ChatError);
    assert.equal(error.code, "already_exists");
    assert.match(error.message, /Another chatd server already consumes/);
    return true;
  });
  await away.close({ deadlineMs: 0 });
  await other.close({ deadlineMs: 0 });
  await proxy.close();
});

Deno.test("a server whose login is refused after the broker's return stops with the reason", async () => {
  await using chatd = await startTestAmqpServer(broker);
  const { node } = broker;
  const administer = async (path: string, body?: Record<string, string>) => {
    const headers = { authorization: `Basic ${btoa(`${node.user}:${node.password}`)}` };
    const method = body === undefined ? "DELETE" : "PUT";
    const response = await fetch(node.managementUrl + path, { method, headers, body: body && JSON.stringify(body) });
    await response.body?.cancel();
    assert.ok(response.ok, path);
  };
  await chatd.server.close({ deadlineMs: 0 });
  const login = { user: "operator", password: "before" };
  await administer("/api/users/operator", { password: login.password, tags: "" });
  await administer("/api/permissions/%2F/operator", { configure: ".*", write: ".*", read: ".*" });
  const server = await startAmqpServer({ ...chatd.serverOptions, login });
  await administer("/api/users/operator", { password: "after", tags: "" });
  await administer("/api/connections/username/operator");
  await assert.rejects(server.failed, (error) => {
    assert.ok(error instanceof ChatError);
    assert.equal(error.code, "unauthenticated");
    assert.match(error.message, /refused the login of "operator"/);
    return true;
  });
  await server.close({ deadlineMs: 0 });
});
