import assert from "node:assert/strict";
import { ChatError } from "../../src/core/chat_error.ts";
import { silentLog } from "../../src/core/log.ts";
import { type ControlHandlers, type ControlSocketOptions, openControlSocket } from "../../src/host/control_socket.ts";
import { throwsWith } from "../support/checks/chat_error_assertions.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const handlers: ControlHandlers = {
  echo: (args) => Promise.resolve(args),
  nothing: () => Promise.resolve(undefined),
  refuse: () => Promise.reject(new ChatError("not_found", "There is no such thing.")),
  fail: () => Promise.reject(new Error("with a secret in it")),
};

function open(folder: string, options: Partial<ControlSocketOptions> = {}) {
  const socket = openControlSocket({ folder, handlers, log: silentLog, ...options });
  return { socket, [Symbol.asyncDispose]: () => socket.close() };
}

async function ask(folder: string, line: string): Promise<unknown> {
  using connection = await Deno.connect({ transport: "unix", path: `${folder}/chatd.sock` });
  await connection.write(new TextEncoder().encode(line));
  const text = await new Response(connection.readable).text();
  return text === "" ? undefined : JSON.parse(text);
}

Deno.test("the control socket answers a line of JSON with one", async () => {
  using folder = temporaryFolder();
  await using _ = open(folder.path);
  assert.deepEqual(await ask(folder.path, '{"command":"echo","arguments":{"a":["ü"]}}\n'), { result: { a: ["ü"] } });
  assert.deepEqual(await ask(folder.path, '{"command":"nothing","arguments":{}}\n'), { result: null });
  assert.deepEqual(await ask(folder.path, '{"command":"refuse","arguments":{}}\n'), {
    error: { code: "not_found", message: "There is no such thing." },
  });
});

Deno.test("the control socket says what is wrong with a request, and nothing of what is wrong inside", async () => {
  using folder = temporaryFolder();
  await using _ = open(folder.path);
  const code = async (line: string) => {
    const reply = await ask(folder.path, line) as { error: { code: string; message: string } };
    assert.ok(!reply.error.message.includes("secret"));
    return reply.error.code;
  };
  assert.equal(await code('{"command":"constructor","arguments":{}}\n'), "unsupported_version");
  assert.equal(await code('{"command":"fail","arguments":{}}\n'), "internal");
  for (const line of ["secret\n", '"secret"\n', '{"command":"echo"}\n', '{"command":"echo","arguments":[]}\n', "\n"]) {
    assert.equal(await code(line), "invalid_argument", line);
  }
  assert.equal(await code("x".repeat(16 * 1024 + 1)), "invalid_argument");
});

Deno.test("the control socket is the owner's alone, and goes when it is closed", async () => {
  using folder = temporaryFolder();
  const { socket } = open(folder.path);
  assert.equal((await Deno.stat(`${folder.path}/chatd.sock`)).mode! & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["chatd.sock"]);
  await socket.close();
  await socket.close();
  await assert.rejects(Deno.stat(`${folder.path}/chatd.sock`), Deno.errors.NotFound);
});

Deno.test("the control socket replaces what a crashed server left", async () => {
  using folder = temporaryFolder();
  await Deno.writeTextFile(`${folder.path}/chatd.sock`, "");
  await using _ = open(folder.path);
  assert.deepEqual(await ask(folder.path, '{"command":"nothing","arguments":{}}\n'), { result: null });
});

Deno.test("the control socket goes on when connections could not be accepted for a while", async () => {
  using folder = temporaryFolder();
  const { listen } = Deno;
  const failures: string[] = [];
  Deno.listen = ((options: Deno.UnixListenOptions & { transport: "unix" }) => {
    const listener = listen(options);
    const accept = listener.accept.bind(listener);
    let left = 3;
    listener.accept = () => left-- > 0 ? Promise.reject(new Error("Too many open files (os error 24)")) : accept();
    return listener;
  }) as typeof Deno.listen;
  try {
    const log = { ...silentLog, error: (event: string) => void failures.push(event) };
    await using _ = open(folder.path, { log });
    assert.deepEqual(await ask(folder.path, '{"command":"nothing","arguments":{}}\n'), { result: null });
  } finally {
    Deno.listen = listen;
  }
  assert.deepEqual(failures, ["no command of the operator can be taken right now"]);
});

Deno.test("close() ends who never asks, and waits for what was asked", async () => {
  using folder = temporaryFolder();
  const { promise, resolve } = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const slow = () => {
    asked.resolve();
    return promise;
  };
  const { socket } = open(folder.path, { handlers: { slow } });
  using idle = await Deno.connect({ transport: "unix", path: `${folder.path}/chatd.sock` });
  const answer = ask(folder.path, '{"command":"slow","arguments":{}}\n');
  await asked.promise;
  const closed = socket.close();
  assert.equal(await idle.read(new Uint8Array(1)), null);
  resolve("done");
  await closed;
  assert.deepEqual(await answer, { result: "done" });
});

Deno.test("an exchange that takes too long is ended", async () => {
  using folder = temporaryFolder();
  await using _ = open(folder.path, { exchangeTimeoutMs: 20 });
  const reply = await ask(folder.path, '{"command":').catch((error) => {
    // It was ended before it began.
    assert.ok(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset, `${error}`);
  });
  assert.equal(reply, undefined);
});

Deno.test("a data folder too deep for a socket is refused with the reason", async () => {
  using folder = temporaryFolder();
  const deep = `${folder.path}/${"d".repeat(110)}`;
  await Deno.mkdir(deep);
  assert.match(throwsWith("invalid_argument", () => open(deep)).message, /too long/);
});
