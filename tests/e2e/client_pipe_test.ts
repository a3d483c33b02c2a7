import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ChatClient } from "../../src/client/chat_client.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const entry = fileURLToPath(new URL("../../main.ts", import.meta.url));

interface Piped {
  server: string;
  folder: string;
  args: readonly string[];
  input: string | Uint8Array<ArrayBuffer>;
  password?: string;
}

/** Runs `chatd grpc-client` with `input` on its stdin. */
async function pipe({ server, folder, args, input, password }: Piped) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", "--cached-only", "-A", entry],
      ...["grpc-client", "--server", server, ...args],
    ],
    env: {
      XDG_STATE_HOME: `${folder}/state`,
      NO_COLOR: "1",
      ...(password !== undefined && { CHATD_PASSWORD: password }),
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // Those that fail early do not read it.
  const written = writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input)
    .then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  await written;
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("lines from a pipe become messages; the exit code says what became of them", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const each = { server: `127.0.0.1:${server.port}`, folder: folder.path, password: "correct horse" };
  const ana = ["--user", "ana"];

  const registered = await pipe({ ...each, args: [...ana, "--to", "ana", "--invite", "any"], input: "one\n\ntwo\r\n" });
  assert.deepEqual(registered, { code: 0, stdout: "", stderr: "" });

  // The login is saved now, and a password is not needed any more.
  const saved = await pipe({ ...each, password: undefined, args: [...ana, "--to", "ana"], input: "three" });
  assert.deepEqual(saved, { code: 0, stdout: "", stderr: "" });

  const refused = await pipe({ ...each, args: [...ana, "--to", "nobody"], input: "x\n" });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^chatd: line 1: There is no user "nobody"/);
  assert.equal(refused.stdout, "");

  const toNobody = await pipe({ ...each, args: ana, input: "x\n" });
  assert.equal(toNobody.code, 2);
  assert.match(toNobody.stderr, /--to NAME/);

  const wrong = await pipe({ ...each, args: ["--user", "ben", "--to", "ana"], input: "x\n", password: "wrong one" });
  assert.equal(wrong.code, 3);
  const unasked = await pipe({ ...each, args: ["--user", "ben", "--to", "ana"], input: "x\n", password: undefined });
  assert.equal(unasked.code, 3);
  assert.match(unasked.stderr, /--password-file/);
});

Deno.test("many lines are accepted once each, although the server asks for pauses", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({
    folder: `${folder.path}/data`,
    args: ["--rate", "200", "--burst", "100"],
  });
  const each = { server: `127.0.0.1:${server.port}`, folder: folder.path, password: "correct horse" };
  const lines = Array.from({ length: 300 }, (_, i) => `line ${i}`).join("\n");
  const args = ["--user", "ana", "--to", "ana", "--invite", "any"];
  assert.deepEqual(await pipe({ ...each, args, input: lines }), { code: 0, stdout: "", stderr: "" });

  const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const request = { user: "ana", password: "correct horse", deviceName: "test", deviceId: "" };
  const { credentials } = await transport.logIn(request, {});
  const stop = new AbortController();
  const online = Promise.withResolvers<void>();
  const client = new ChatClient({
    transport,
    token: credentials!.token,
    client: "test",
    onEvent: (event) => void (event.kind === "state" && event.state.kind === "online" && online.resolve()),
  });
  const running = client.run({ signal: stop.signal });
  await online.promise;
  const newest = await client.history({ with: "ana", limit: 200 });
  const older = await client.history({ with: "ana", limit: 200, beforeSeq: newest.firstSeq });
  stop.abort();
  await running;
  const numbers = [...older.messages, ...newest.messages].map(({ text }) => Number(text.slice(5)));
  assert.deepEqual(numbers.toSorted((a, b) => a - b), Array.from({ length: 300 }, (_, i) => i));
});

Deno.test("no server is told apart from everything else, and nothing goes out unencrypted", async () => {
  using folder = temporaryFolder();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const each = { folder: folder.path, password: "correct horse", input: "x\n" };
  const args = ["--user", "ana", "--to", "ben"];
  const alone = await pipe({ ...each, server: `127.0.0.1:${port}`, args });
  assert.equal(alone.code, 4);
  assert.match(alone.stderr, /^chatd: Cannot reach the server at 127\.0\.0\.1:\d+/);
  const open = await pipe({ ...each, server: "192.0.2.1:50051", args });
  assert.equal(open.code, 1);
  assert.match(open.stderr, /without TLS.*--insecure/);
});
