import assert from "node:assert/strict";
import fc from "fast-check";
import { ChatClient } from "../../src/client/chat_client.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import { sendLines, splitLines } from "../../src/terminal/pipe.ts";
import { lineDelayMs } from "../support/proxies/slow_line.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { FakeChatServer } from "../support/fakes/fake_chat_server.ts";
import { settle } from "../support/fakes/manual_timers.ts";

const utf8 = new TextEncoder();

async function* bytes(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await Promise.resolve();
    yield typeof part === "string" ? utf8.encode(part) : part;
  }
}

async function lines(...parts: (string | Uint8Array)[]): Promise<string[]> {
  return (await Array.fromAsync(splitLines(bytes(...parts)))).map(({ number, text, problem }) =>
    `${number}:${problem ?? text}`
  );
}

/** Long enough for a line to answer, and short for a test. */
const patienceMs = 100 + 5 * lineDelayMs();

function pipe(server: FakeChatServer, input: AsyncIterable<Uint8Array>, options: { patienceMs?: number } = {}) {
  const problems: string[] = [];
  const refused = sendLines({
    input,
    to: "ben",
    address: "127.0.0.1:50051",
    client: (onEvent) =>
      new ChatClient({
        transport: server.transport,
        token: "token-ana",
        client: "test",
        onEvent,
        backoff: { initialMs: 10, maxMs: 20 },
      }),
    report: (problem) => problems.push(problem),
    ...options,
  });
  return { problems, refused };
}

Deno.test("splitLines() counts all lines, and ends them at \\n or \\r\\n", async () => {
  assert.deepEqual(await lines("one\r\ntw", "o\n\nfour"), ["1:one", "2:two", "3:", "4:four"]);
  assert.deepEqual(await lines(""), []);
  assert.deepEqual(await lines("one\n"), ["1:one"]);
});

Deno.test("splitLines() says which line is no UTF-8 or too long, and goes on", async () => {
  const long = "x".repeat(16 * 1024);
  const got = await lines(new Uint8Array([0xff, 10]), `${long}\r\n${long}`, `xx`.repeat(50_000), "\nend");
  assert.deepEqual(got.map((line) => line.slice(0, 40)), [
    "1:It is not valid UTF-8.",
    `2:${long}`.slice(0, 40),
    "3:It is longer than 16 KiB. Split it.",
    "4:end",
  ]);
});

Deno.test("splitLines() makes the same of any pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replace(/[\r\n]/g, ""))),
      fc.array(fc.nat(300)),
      async (texts, cuts) => {
        const all = utf8.encode(texts.map((text) => `${text}\n`).join(""));
        const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
        const parts = at.slice(1).map((end, i) => all.subarray(at[i], end));
        assert.deepEqual(await lines(...parts), texts.map((text, i) => `${i + 1}:${text}`));
      },
    ),
  );
});

Deno.test("every line becomes a message, in order, also over a lost connection", async () => {
  const server = new FakeChatServer();
  let links = 0;
  server.nextLife = () => ++links < 4 ? { fromClient: 3, toClient: 3 } : undefined;
  const texts = Array.from({ length: 500 }, (_, i) => `line ${i}`);
  const { refused, problems } = pipe(server, bytes(`\n${texts.join("\n")}\n\n`));
  assert.equal(await refused, 0);
  assert.deepEqual(server.log.map(({ text }) => text), texts);
  assert.deepEqual(problems, ["Waiting for 127.0.0.1:50051: The connection broke."]);
});

Deno.test("refused lines are reported by number and counted; the others are sent", async () => {
  const server = new FakeChatServer();
  server.refuseSend = ({ text }) => text === "bad" ? new ChatError("permission_denied", "Not this.") : undefined;
  const { refused, problems } = pipe(server, bytes("good\nbad\n", new Uint8Array([0xff]), "\nfine"));
  assert.equal(await refused, 2);
  assert.deepEqual(problems.toSorted(), ["line 2: Not this.", "line 3: It is not valid UTF-8."]);
  assert.deepEqual(server.log.map(({ text }) => text), ["good", "fine"]);
});

Deno.test("a slash command is refused, and two slashes begin a text with one", async () => {
  const server = new FakeChatServer();
  const { refused, problems } = pipe(server, bytes("before\n/join #ops\n//etc/passwd\n / \n"));
  assert.equal(await refused, 1);
  assert.equal(problems.length, 1);
  assert.match(problems[0], /^line 2: \/join is a command, and a pipe cannot run it\. It was not sent\./);
  assert.deepEqual(server.log.map(({ text }) => text), ["before", "/etc/passwd", " / "]);
});

Deno.test("a full disk of the server is told once, and ends the pipe in time", async () => {
  const server = new FakeChatServer();
  server.refuseSend = () => new ChatError("storage_full", "The disk is full.", { retryAfterMs: 10 });
  const { refused, problems } = pipe(server, bytes("one\n"), { patienceMs });
  await assert.rejects(refused, { code: "storage_full" });
  assert.deepEqual(problems, ["Waiting for 127.0.0.1:50051: The disk is full."]);
});

Deno.test("the input is read no faster than the server accepts", async () => {
  const server = new FakeChatServer();
  let read = 0;
  async function* endless() {
    for (; read < 5_000; read++) {
      await Promise.resolve();
      yield utf8.encode(`line ${read}\n`);
    }
  }
  const { refused } = pipe(server, endless());
  await eventually(() => server.log.length > 100);
  server.frozen = true;
  for (let i = 0; i < 50; i++) await settle();
  assert.ok(read - server.log.length <= 300, `${read} read, ${server.log.length} accepted`);
  server.thaw();
  assert.equal(await refused, 0);
  assert.equal(server.log.length, 5_000);
});

Deno.test("without a connection for too long it gives up, as it does with a dead token", async () => {
  const server = new FakeChatServer();
  server.down = true;
  const { refused } = pipe(server, bytes("one\n"), { patienceMs });
  await assert.rejects(refused, { code: "unavailable", message: /connection refused/ });

  const strict = new FakeChatServer();
  strict.refuseHello = () => new ChatError("unauthenticated", "The token is dead.");
  const dead = pipe(strict, bytes("one\n", "two\n"));
  await assert.rejects(dead.refused, { code: "unauthenticated" });
});
