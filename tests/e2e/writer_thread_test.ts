import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { crashedExitCode } from "../../src/host/supervisor/exit_codes.ts";
import { lockFolder } from "../../src/store/folder_lock.ts";
import { openStore } from "../../src/store/open_store.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { ServerProcess, type ServerProcessOptions } from "../support/processes/server_process.ts";
import { LinkClient } from "../support/servers/link_client.ts";
import { sendRequest } from "../support/servers/wire_values.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { until } from "../support/waiting/turns.ts";

const args = ["--rate", "1000000", "--burst", "1000000"];
const entry = (name: string) => fileURLToPath(new URL(`../support/processes/${name}`, import.meta.url));

/** A client that sends frames of many plain messages, and keeps those that were accepted. */
class Flow {
  /** The positions of accepted messages by id. */
  readonly accepted = new Map<string, number>();
  readonly codes = new Set<string>();
  readonly client: LinkClient;
  readonly #user: string;
  readonly #ids = new Map<number, string>();
  #read = 0;

  private constructor(client: LinkClient, user: string) {
    this.client = client;
    this.#user = user;
  }

  static async open(user: string, port: number): Promise<Flow> {
    const transport = new Http2Transport({ host: "127.0.0.1", port, callback: false });
    const account = { user, password: "correct horse battery", invite: "", deviceName: "test" };
    const { credentials } = await transport.register(account, {});
    const client = await LinkClient.open(transport, credentials!.token);
    await client.send(user, "the first");
    return new Flow(client, user);
  }

  /** Sends a frame of messages to oneself. @returns false when the connection has ended */
  async send(text: string, count = 64): Promise<boolean> {
    const { client } = this;
    if (client.ended !== undefined) return false;
    const ids = Array.from({ length: count }, () => createMessageId());
    const to = this.#user;
    const requests = client.request(
      ...ids.map((id) => ({ $case: "send", value: sendRequest({ to, text, id }) } as const)),
    );
    requests.forEach((request, index) => this.#ids.set(request, ids[index]));
    await until(() => this.#take(requests.at(-1)!) || client.ended);
    if (client.ended === undefined) client.acknowledge();
    return client.ended === undefined;
  }

  /** Sends frames until the connection ends. */
  async run(): Promise<void> {
    while (await this.send("hello"));
    this.#take(0);
    await this.client.close();
  }

  /** Takes the replies that came. @returns whether the one to `last` has */
  #take(last: number): boolean {
    const replies = this.client.replies;
    for (const { requestId, result } of replies.slice(this.#read)) {
      const id = this.#ids.get(requestId);
      if (id === undefined) continue;
      if (result?.$case === "send") this.accepted.set(id, result.value.position);
      else if (result?.$case === "error") this.codes.add(result.value.code);
    }
    this.#read = replies.length;
    return replies.at(-1)?.requestId === last;
  }
}

/** Checks that all accepted messages are in the log of ana, each once and in its place. */
async function checkLog(folder: string, accepted: ReadonlyMap<string, number>): Promise<void> {
  using _lock = lockFolder(folder);
  using store = openStore({ folder });
  const messages: Message[] = [];
  for (let position = 0; position < store.messages.head;) {
    const page = await store.messages.messagesAfter("ana", position, { limit: 1_000, maxBytes: 2 ** 30 });
    messages.push(...page.messages);
    position = page.through;
  }
  const positions = new Map(messages.map(({ id, position }) => [id, position]));
  assert.equal(positions.size, messages.length);
  assert.deepEqual(messages.map(({ seq }) => seq), messages.map((_, index) => index + 1));
  for (const [id, position] of accepted) assert.equal(positions.get(id), position);
}

/** Sets a limit of the operating system for a server. */
async function limit({ pid }: ServerProcess, name: "fsize" | "nofile", value: string): Promise<void> {
  const { code } = await new Deno.Command("prlimit", { args: ["--pid", `${pid}`, `--${name}=${value}:`] }).output();
  assert.equal(code, 0);
}

/** Ends the client and then the server, and checks that the log has what the server accepted. */
async function endInOrder(server: ServerProcess, flow: Flow, folder: string): Promise<void> {
  await flow.client.close();
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  await checkLog(folder, flow.accepted);
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`all accepted messages of a server that ${signal} ends are in the log, once`, async () => {
    using folder = temporaryFolder();
    await using server = await ServerProcess.start({ folder: folder.path, args });
    const flow = await Flow.open("ana", server.port);
    const running = flow.run();
    await until(() => flow.accepted.size > 2_000);
    server.kill(signal);
    const { code } = await server.ended();
    if (signal === "SIGTERM") assert.equal(code, 0);
    await running;
    await checkLog(folder.path, flow.accepted);
  });
}

Deno.test("without a permission to load the program, a server stores messages, and refuses searches", async () => {
  using folder = temporaryFolder();
  const allowed = ["--allow-net", `--allow-read=${folder.path}`, `--allow-write=${folder.path}`, "--allow-env"];
  await using server = await ServerProcess.start({ folder: folder.path, args, flags: ["--no-prompt", ...allowed] });
  const flow = await Flow.open("ana", server.port);
  for (let frames = 0; frames < 3; frames++) assert.equal(await flow.send("hello"), true);
  const search = { query: "hello", conversation: "", beforePosition: 0, limit: 10 };
  assert.equal(await flow.client.refusal({ $case: "search", value: search }), "unavailable");
  await endInOrder(server, flow, folder.path);
  assert.match(server.stderr.join("\n"), /"job":"writer","add":"--allow-read=/);
});

Deno.test("a server whose writer thread cannot start stores messages without it, and says so", async () => {
  using folder = temporaryFolder();
  const program = entry("threadless_entry.ts");
  await using server = await ServerProcess.start({ folder: folder.path, args, program });
  const flow = await Flow.open("ana", server.port);
  await eventually(async () => {
    assert.equal(await flow.send("hello"), true);
    return server.stderr.some((line) => line.includes("messages are written without a thread"));
  });
  assert.equal(await flow.send("hello"), true);
  await endInOrder(server, flow, folder.path);
});

Deno.test("the death of the writer thread ends the process, and the supervisor starts it again", async () => {
  for (const supervise of [false, true]) {
    using folder = temporaryFolder();
    const options: ServerProcessOptions = {
      folder: `${folder.path}/data`,
      args,
      supervise,
      program: entry("dying_writer_entry.ts"),
      env: { DYING_WRITER: `${folder.path}/mark` },
    };
    await using server = await ServerProcess.start(options);
    const flow = await Flow.open("ana", server.port);
    await flow.run();
    if (supervise) {
      await until(() => server.stderr.some((line) => line.includes("the serving process died")));
      let again: Flow | undefined;
      await eventually(async () => (again = await Flow.open("ben", server.port).catch(() => undefined)) !== undefined);
      assert.equal(await again!.send("hello"), true);
      assert.equal(again!.accepted.size, 64);
      await again!.client.close();
      server.kill("SIGTERM");
      assert.equal((await server.ended()).code, 0);
    } else assert.equal((await server.ended()).code, crashedExitCode);
    assert.match(server.stderr.join("\n"), /The writer thread died/);
    await checkLog(options.folder, flow.accepted);
  }
});

Deno.test("a server that may open no more files starts no thread until it may", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path, args });
  const files = () => Array.from(Deno.readDirSync(`/proc/${server.pid}/fd`)).length;
  const flow = await Flow.open("ana", server.port);
  await limit(server, "nofile", `${files() + 2}`);
  for (let frames = 0; frames < 3; frames++) assert.equal(await flow.send("hello"), true);
  const search = { query: "hello", conversation: "", beforePosition: 0, limit: 10 };
  assert.equal(await flow.client.refusal({ $case: "search", value: search }), "busy");
  const before = files();
  await limit(server, "nofile", "1024");
  await eventually(async () => await flow.send("hello") && files() > before);
  assert.equal((await flow.client.ask("search", search)).messages.length, 10);
  assert.deepEqual([...flow.codes], []);
  await endInOrder(server, flow, folder.path);
});

Deno.test("a disk that is full during a batch is reported, and messages are stored again when it has room", async () => {
  using folder = temporaryFolder();
  const program = entry("limited_file_entry.ts");
  await using server = await ServerProcess.start({ folder: folder.path, args, program });
  const flow = await Flow.open("ana", server.port);
  await flow.send("x".repeat(800));
  await limit(server, "fsize", `${6 * 1024 * 1024}`);
  for (let frames = 0; frames < 500 && flow.codes.size === 0; frames++) await flow.send("x".repeat(800));
  assert.deepEqual([...flow.codes], ["storage_full"], `${flow.client.ended?.error} ${server.stderr.join("\n")}`);
  await flow.client.ask("ping", {});
  await limit(server, "fsize", "unlimited");
  const before = flow.accepted.size;
  assert.equal(await flow.send("there is room", 20), true);
  assert.equal(flow.accepted.size, before + 20);
  await endInOrder(server, flow, folder.path);
});
