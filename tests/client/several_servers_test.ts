import assert from "node:assert/strict";
import { type ServerTransport, SeveralServers } from "../../src/client/several_servers.ts";
import type { Link } from "../../src/client/transport.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { FakeTime } from "../support/fakes/fake_time.ts";

/** A server that serves, or the reason why not; "silent" does not answer. */
interface FakeServer extends ServerTransport {
  refusal: ChatError | "silent" | undefined;
  readonly calls: string[];
}

function server(address: string, refusal?: FakeServer["refusal"]): FakeServer {
  const calls: string[] = [];
  const called = (name: string) => () => {
    calls.push(name);
    return Promise.resolve({} as never);
  };
  const fake: FakeServer = {
    address,
    refusal,
    calls,
    requireServing({ signal }) {
      calls.push("asked");
      if (fake.refusal === undefined) return Promise.resolve();
      if (fake.refusal !== "silent") return Promise.reject(fake.refusal);
      return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    },
    register: called("register"),
    logIn: called("logIn"),
    connect: called("connect") as () => Promise<Link>,
    openFiles: called("openFiles"),
  };
  return fake;
}

const standsBy = (retryAfterMs?: number) => new ChatError("unavailable", "It stands by.", { retryAfterMs });

Deno.test("calls go to the server that serves, which is asked first from then on", async () => {
  const [a, b] = [server("a:1", standsBy()), server("b:2")];
  const transport = new SeveralServers({ servers: [a, b] });
  assert.deepEqual([transport.address, transport.identity], ["a:1, b:2", "a:1"]);
  await transport.connect({});
  await transport.openFiles({ token: "t" });
  await transport.logIn({} as never, {});
  assert.deepEqual(a.calls, ["asked"]);
  assert.deepEqual(b.calls, ["asked", "connect", "asked", "openFiles", "asked", "logIn"]);
  assert.equal(transport.address, "b:2");
  [a.refusal, b.refusal] = [undefined, standsBy()];
  await transport.register({} as never, {});
  assert.deepEqual(a.calls, ["asked", "asked", "register"]);
  assert.equal(transport.address, "a:1");
});

Deno.test("a call that failed at its server is not made at another one", async () => {
  const [a, b] = [server("a:1"), server("b:2")];
  a.logIn = () => Promise.reject(standsBy());
  const transport = new SeveralServers({ servers: [a, b] });
  await rejectsWith("unavailable", transport.logIn({} as never, {}));
  assert.deepEqual(b.calls, []);
});

Deno.test("when no server serves, the error has the reason of each, and the shortest wait", async () => {
  const servers = [server("a:1", standsBy(5_000)), server("b:2", standsBy(2_000)), server("c:3", standsBy())] as const;
  const transport = new SeveralServers({ servers: [...servers] });
  const error = await rejectsWith("unavailable", transport.connect({}));
  assert.deepEqual([error.message, error.retryAfterMs], ["It stands by. It stands by. It stands by.", 2_000]);
});

Deno.test("when the server goes away and none serves, the address is that of all", async () => {
  const [a, b] = [server("a:1", standsBy()), server("b:2")];
  const transport = new SeveralServers({ servers: [a, b] });
  await transport.connect({});
  b.refusal = new ChatError("unavailable", "Cannot reach the server at b:2: connection refused.");
  const error = await rejectsWith("unavailable", transport.connect({}));
  assert.equal(error.message, "Cannot reach the server at b:2: connection refused. It stands by.");
  assert.equal(transport.address, "a:1, b:2");
});

Deno.test("a server that does not answer is left after some seconds", async () => {
  using time = new FakeTime();
  const [a, b] = [server("a:1", "silent"), server("b:2")];
  const transport = new SeveralServers({ servers: [a, b] });
  const connecting = transport.connect({});
  await time.tick(4_000);
  await connecting;
  assert.deepEqual(b.calls, ["asked", "connect"]);
});

Deno.test("a server that refuses for good hides no other one, and is final if all do", async () => {
  const foreign = (address: string) => new ChatError("unsupported_version", `No chatd server is at ${address}.`);
  const [a, b] = [server("a:1", foreign("a:1")), server("b:2")];
  const transport = new SeveralServers({ servers: [a, b] });
  await transport.connect({});
  assert.deepEqual(b.calls, ["asked", "connect"]);
  b.refusal = standsBy();
  const error = await rejectsWith("unavailable", transport.connect({}));
  assert.equal(error.message, "It stands by. No chatd server is at a:1.");
  b.refusal = foreign("b:2");
  await rejectsWith("unsupported_version", transport.connect({}));
});

Deno.test("a caller who gave up on a silent server asks the next ones when it tries again", async () => {
  using time = new FakeTime();
  const silent = [server("a:1", "silent"), server("b:2", "silent")] as const;
  const serving = server("c:3");
  const transport = new SeveralServers({ servers: [...silent, serving] });
  const given = new AbortController();
  const first = transport.connect({ signal: given.signal });
  first.catch(() => {});
  await time.tick(4_000);
  given.abort(new ChatError("unavailable", "It did not answer in time."));
  await rejectsWith("unavailable", first);
  const second = transport.connect({});
  await time.tick(4_000);
  await second;
  assert.deepEqual(silent.map(({ calls }) => calls.length), [1, 2]);
  assert.deepEqual(serving.calls, ["asked", "connect"]);
});

Deno.test("a caller who gives up asks no further server", async () => {
  const [a, b] = [server("a:1", "silent"), server("b:2")];
  const transport = new SeveralServers({ servers: [a, b] });
  const given = new AbortController();
  const connecting = transport.connect({ signal: given.signal });
  given.abort(new ChatError("unavailable", "The client was closed."));
  assert.equal((await rejectsWith("unavailable", connecting)).message, "The client was closed.");
  assert.deepEqual(b.calls, []);
});
