/** The HTTP proxy that the environment names, in clients of all transports. */
import assert from "node:assert/strict";
import { startTestAmqpServer } from "../support/brokers/amqp_server.ts";
import { borrowTestBroker } from "../support/brokers/borrowed_broker.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { scriptPassword } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";

const broker = await borrowTestBroker();
Deno.test.afterAll(async () => await broker[Symbol.asyncDispose]());

/** A proxy that notes what it is asked and refuses everything. */
class RefusingProxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting = this.#accept();

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** All variables that name it. */
  get env(): Record<string, string> {
    const names = ["grpc_proxy", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
    return Object.fromEntries(names.map((name) => [name, `http://user:proxysecret@${this.address}`]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      const bytes = new Uint8Array(4096);
      const length = await connection.read(bytes) ?? 0;
      this.asked.push(new TextDecoder().decode(bytes.subarray(0, length)));
      await connection.write(new TextEncoder().encode("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"));
      connection.close();
    }
  }
}

/** Logs in and sends a file. */
async function useFiles(place: readonly string[], env: Record<string, string>): Promise<void> {
  using folder = temporaryFolder();
  const file = `${folder.path}/note.txt`;
  await Deno.writeTextFile(file, "a note");
  // Deno itself asks for its newest version by the proxy.
  const own = { ...env, DENO_NO_UPDATE_CHECK: "1", CHATD_PASSWORD: scriptPassword, XDG_STATE_HOME: folder.path };
  const login = await runChatd({ args: ["login", "--user", "ana", "--invite", "any", ...place], env: own });
  assert.equal(login.code, 0, login.stderr);
  const sent = await runChatd({ args: ["send", "--to", "ana", "--file", file], env: own });
  assert.equal(sent.code, 0, sent.stderr);
}

for (const [how, env] of [["own HTTP/2", {}], ["grpc-js", { CHATD_GRPC_JS: "1" }]] as const) {
  Deno.test(`a proxy of the environment is not asked for a server on this machine, over ${how}`, async () => {
    using folder = temporaryFolder();
    await using proxy = new RefusingProxy();
    await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
    await useFiles(["--server", `127.0.0.1:${server.port}`], { ...proxy.env, ...env });
    assert.deepEqual(proxy.asked, []);
  });
}

Deno.test("a proxy of the environment is not asked for a broker, for messages and files", async () => {
  await using proxy = new RefusingProxy();
  await using _chatd = await startTestAmqpServer(broker);
  await useFiles(["--via", "amqp", "--broker", `amqp://127.0.0.1:${broker.node.amqpPort}`], proxy.env);
  assert.deepEqual(proxy.asked, []);
});

Deno.test("an error about a server behind a proxy is one sentence that names the proxy, without its password", async () => {
  using folder = temporaryFolder();
  await using proxy = new RefusingProxy();
  const args = ["login", "--user", "ana", "--server", "chat.example.org:50051", "--insecure"];
  for (const name of ["grpc_proxy", "https_proxy", "http_proxy"]) {
    const env = {
      DENO_NO_UPDATE_CHECK: "1",
      CHATD_PASSWORD: scriptPassword,
      XDG_STATE_HOME: folder.path,
      [name]: proxy.env[name],
    };
    const { code, stderr } = await runChatd({ args, env });
    assert.deepEqual([code, stderr], [
      4,
      `chatd: Cannot reach the server at chat.example.org:50051 through the HTTP proxy ${proxy.address}: ` +
      "there is no connection.\n",
    ]);
  }
  assert.match(proxy.asked[0], /^CONNECT chat\.example\.org:50051 /);
});

Deno.test("a proxy of another kind is refused by name, unless no_proxy excepts the server", async () => {
  using folder = temporaryFolder();
  const args = ["login", "--user", "ana", "--server", "chat.example.invalid:50051", "--insecure"];
  const env = {
    DENO_NO_UPDATE_CHECK: "1",
    CHATD_PASSWORD: scriptPassword,
    XDG_STATE_HOME: folder.path,
    https_proxy: "socks5://127.0.0.1:1080",
  };
  const refused = await runChatd({ args, env });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^chatd: Cannot connect to [^\n]+ variable https_proxy [^\n]+socks5:[^\n]+\.\n$/);
  const direct = await runChatd({ args, env: { ...env, no_proxy: ".invalid" } });
  assert.deepEqual([direct.code, direct.stderr], [
    4,
    "chatd: Cannot reach the server at chat.example.invalid:50051: there is no such host.\n",
  ]);
});
