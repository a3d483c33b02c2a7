import assert from "node:assert/strict";
import { connect } from "node:net";
import { type AuthorityEndpointOptions, startAuthorityEndpoint } from "../../../src/amqp/broker/authority_endpoint.ts";
import type { Decision, Question } from "../../../src/amqp/broker/broker_authority.ts";
import { silentLog } from "../../../src/core/log.ts";
import { eventually } from "../../support/waiting/eventually.ts";

const secret = "s3cret";

async function start(options: Partial<AuthorityEndpointOptions> & { decision?: Decision } = {}) {
  const asked: [string, Question][] = [];
  const authority = {
    decide: (kind: string, question: Question) => {
      asked.push([kind, question]);
      return Promise.resolve(options.decision ?? "allow");
    },
  };
  const listen = { host: "127.0.0.1", port: 0 };
  const endpoint = await startAuthorityEndpoint({ authority, secret, listen, log: silentLog, ...options });
  const post = async (path: string, body = "username=ana", method = "POST") => {
    const init = { method, body: method === "POST" ? body : undefined };
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`, init);
    return { status: response.status, body: await response.text(), headers: [...response.headers.keys()].sort() };
  };
  return { asked, endpoint, post, [Symbol.asyncDispose]: () => endpoint.close() };
}

/** Returns the response to `bytes`, up to the end of the connection. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (data) => answer += data);
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

Deno.test("a question is answered with a word that RabbitMQ knows", async () => {
  for (const [decision, login] of [["allow", "allow"], ["deny", "deny"], ["busy", "allow busy"]] as const) {
    await using test = await start({ decision });
    const { status, body } = await test.post(`/${secret}/user`, "username=ana&password=a%26b+c%C3%A9");
    assert.deepEqual([status, body], [200, login]);
    assert.deepEqual(test.asked[0], ["user", { username: "ana", password: "a&b cé" }]);
    for (const kind of ["vhost", "resource", "topic"]) {
      const { status, body } = await test.post(`/${secret}/${kind}`);
      assert.deepEqual([status, body], [200, decision === "allow" ? "allow" : "deny"], kind);
    }
  }
});

Deno.test("requests without the secret get the same 404, and no password is tried", async () => {
  await using test = await start();
  const answers = [];
  for (const path of ["/", "/user", "/wrong/user", "//user", `/${secret}`, `/${secret}/`, `/${secret}/other`]) {
    answers.push(await test.post(path));
  }
  for (const path of [`/${secret}/user/more`, `/${secret.slice(0, -1)}/user`, `/${secret}x/user`]) {
    answers.push(await test.post(path));
  }
  answers.push(await test.post(`/${secret}/user?username=ana&password=x`, "", "GET"));
  for (const { status, body } of answers) assert.deepEqual([status, body], [404, ""]);
  assert.equal(new Set(answers.map(({ headers }) => headers.join())).size, 1);
  assert.deepEqual(test.asked, []);
});

Deno.test("a malformed question is denied, and a long one is not read to its end", async () => {
  await using test = await start({ decision: "deny" });
  for (const body of ["", "\0\xff%%%=&&&", "username", "=".repeat(8_000), '{"username":"ana"}']) {
    assert.deepEqual((await test.post(`/${secret}/user`, body)).body, "deny");
  }
  const { length } = test.asked;
  assert.equal((await test.post(`/${secret}/user`, "x".repeat(8 * 1024 + 1))).status, 413);
  assert.equal(test.asked.length, length);
  assert.equal(await exchange(test.endpoint.port, "no HTTP at all\r\n\r\n"), "");
});

Deno.test("a failing question is not answered in its own words", async () => {
  const authority = { decide: () => Promise.reject(new Error("a detail")) };
  await using test = await start({ authority });
  await assert.rejects(test.post(`/${secret}/user`));
});

Deno.test("the broker is answered however many other connections stay silent", async () => {
  await using test = await start({ arrivalTimeoutMs: 60_000 });
  let closed = 0;
  const sockets = Array.from({ length: 600 }, (_, number) => {
    const socket = connect(test.endpoint.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.on("close", () => closed++);
    if (number % 2 === 0) socket.write("POST /no-secret/user HTTP/1.1\r\nX-Slow: ");
    return socket;
  });
  try {
    await eventually(() => closed >= 600 - 256, () => "the oldest connections are closed");
    assert.equal((await test.post(`/${secret}/vhost`)).body, "allow");
  } finally {
    for (const socket of sockets) socket.destroy();
  }
  await eventually(() => closed === sockets.length, () => "all are closed");
});

Deno.test("a question that does not arrive in time is aborted", async () => {
  await using test = await start({ arrivalTimeoutMs: 50 });
  const head = `POST /${secret}/user HTTP/1.1\r\nHost: broker\r\nContent-Length: 100\r\n`;
  for (const begun of ["", head, `${head}\r\nusername=`]) {
    assert.doesNotMatch(await exchange(test.endpoint.port, begun), /allow/);
  }
  assert.deepEqual(test.asked, []);
});

Deno.test("an address in use is reported", async () => {
  await using test = await start();
  const listen = { host: "127.0.0.1", port: test.endpoint.port };
  await assert.rejects(
    start({ listen }),
    /^ChatError: Cannot listen on 127\.0\.0\.1 port \d+ for the broker's questions/,
  );
});
