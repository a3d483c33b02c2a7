import assert from "node:assert/strict";
import { ChatClient, type ClientState } from "../../src/client/chat_client.ts";
import type { ResumePoint } from "../../src/client/delivery_cursor.ts";
import type { Message } from "../../src/core/messages/message.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const serverArgs = ["--rate", "100000", "--burst", "100000"];
const password = "correct horse battery";

/** A user's client, with what it got. */
class Connected implements AsyncDisposable {
  readonly accepted: Message[] = [];
  readonly received: Message[] = [];
  readonly states: ClientState[] = [];
  readonly client: ChatClient;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(transport: Http2Transport, { token, resume }: { token: string; resume?: ResumePoint }) {
    this.client = new ChatClient({
      transport,
      token,
      resume,
      client: "test",
      backoff: { initialMs: 50, maxMs: 200 },
      onEvent: (event) => {
        if (event.kind === "accepted") this.accepted.push(event.message);
        if (event.kind === "message") this.received.push(event.message);
        if (event.kind === "state") this.states.push(event.state);
      },
    });
    this.#running = this.client.run({ signal: this.#stop.signal });
  }

  async online(): Promise<void> {
    await until(() => this.client.state.kind === "online");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

async function register(transport: Http2Transport, user: string): Promise<string> {
  const { credentials } = await transport.register({ user, password, invite: "", deviceName: "test" }, {});
  return credentials!.token;
}

function transportTo(server: ServerProcess): Http2Transport {
  return new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
}

async function chatd(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runChatd({ args });
  assert.equal(code, 0, stderr);
  return stdout;
}

async function wholeHistory(client: ChatClient, other: string): Promise<{ id: string; seq: number; text: string }[]> {
  const messages: { id: string; seq: number; text: string }[] = [];
  for (let beforeSeq = 0;;) {
    const page = await client.history({ with: other, beforeSeq, limit: 200 });
    messages.unshift(...page.messages);
    if (!page.more) return messages;
    beforeSeq = page.messages[0].seq;
  }
}

Deno.test("a backup made while people write holds all that was accepted before, and nothing half", async () => {
  using folder = temporaryFolder();
  const [data, backup, restored] = ["data", "backup", "restored"].map((name) => `${folder.path}/${name}`);
  let tokens: { ana: string; ben: string };
  let resume: ResumePoint | undefined;
  let acceptedBefore: Message[];
  let acceptedInAll: Message[];
  {
    await using server = await ServerProcess.start({ folder: data, args: serverArgs });
    const transport = transportTo(server);
    tokens = { ana: await register(transport, "ana"), ben: await register(transport, "ben") };
    await using ana = new Connected(transport, { token: tokens.ana });
    await using ben = new Connected(transport, { token: tokens.ben });
    await Promise.all([ana.online(), ben.online()]);

    let writing = true;
    const write = async (lane: number) => {
      for (let number = 0; writing; number++) await ana.client.send("ben", `${lane}/${number} ${"x".repeat(200)}`);
    };
    const lanes = Promise.all([...Array(16).keys()].map(write));
    await until(() => ana.accepted.length >= 500);
    acceptedBefore = [...ana.accepted];
    assert.match(
      await chatd("backup", backup, "--data", data),
      /^Backed up .*: the log up to position \d+ and 0 files/,
    );
    const during = ana.accepted.length;
    await until(() => ana.accepted.length > during);
    writing = false;
    await lanes;
    await until(() => ben.received.length === ana.accepted.length);
    acceptedInAll = [...ana.accepted];
    resume = ben.client.resumePoint;
  }

  assert.match(await chatd("restore", backup, "--data", restored), /tells clients that reconnect/);
  await using server = await ServerProcess.start({ folder: restored, args: serverArgs });
  const transport = transportTo(server);
  await using ana = new Connected(transport, { token: tokens.ana });
  await ana.online();
  const messages = await wholeHistory(ana.client, "ben");
  assert.deepEqual(messages.map(({ seq }) => seq), messages.map((_, index) => index + 1));
  const byId = new Map(acceptedInAll.map((message) => [message.id, message]));
  for (const { id, seq, text } of messages) {
    assert.deepEqual({ seq, text }, { seq: byId.get(id)?.seq, text: byId.get(id)?.text });
  }
  const kept = new Set(messages.map(({ id }) => id));
  assert.deepEqual(acceptedBefore.filter(({ id }) => !kept.has(id)), []);

  // He had come further in the old log than the restored one goes.
  assert.ok(resume!.after > messages.length);
  await using ben = new Connected(transport, { token: tokens.ben, resume });
  await ben.online();
  assert.deepEqual(ben.states.filter((state) => state.kind === "online").map(({ restored }) => restored), [true]);
  await ana.client.send("ben", "after the disaster");
  await until(() => ben.received.at(-1)?.text === "after the disaster");
});

Deno.test("restore --log-out leaves nobody logged in", async () => {
  using folder = temporaryFolder();
  const [data, backup, restored] = ["data", "backup", "restored"].map((name) => `${folder.path}/${name}`);
  let token: string;
  {
    await using server = await ServerProcess.start({ folder: data });
    token = await register(transportTo(server), "ana");
  }
  await chatd("backup", backup, "--data", data);
  assert.match(await chatd("restore", backup, "--data", restored, "--log-out"), /no device is logged in/);
  await using server = await ServerProcess.start({ folder: restored });
  await using ana = new Connected(transportTo(server), { token });
  await until(() => ana.client.state.kind === "ended");
  assert.equal(ana.client.state.kind === "ended" && ana.client.state.error?.code, "unauthenticated");
});

Deno.test("backup and restore say in one line what is wrong, and exit 1", async () => {
  using folder = temporaryFolder();
  const table: [string[], RegExp][] = [
    [["backup", `${folder.path}/backup`, "--data", `${folder.path}/typo`], /no chatd data/],
    [["restore", `${folder.path}/typo`, "--data", `${folder.path}/new`], /no manifest\.json/],
  ];
  for (const [args, message] of table) {
    const { code, stdout, stderr } = await runChatd({ args });
    assert.deepEqual([code, stdout], [1, ""], stderr);
    assert.match(stderr, /^chatd: [^\n]+\n$/);
    assert.match(stderr, message);
  }
});
