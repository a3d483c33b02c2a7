import assert from "node:assert/strict";
import { createMessageId } from "../../src/core/messages/message_id.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { Child } from "../support/processes/child_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { join, type Person } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const password = "correct horse battery";

interface Line {
  readonly seq: string;
  readonly text?: string;
  readonly sender: string;
  readonly attachment?: { readonly name: string; readonly sha256: string };
  readonly file?: string;
}

function exportArgs(server: ServerProcess, out: string): string[] {
  return ["export", "--user", "ana", "--server", `127.0.0.1:${server.port}`, "--out", out];
}

function environment(folder: string): Record<string, string> {
  return { CHATD_PASSWORD: password, XDG_STATE_HOME: `${folder}/state` };
}

function readLines(path: string): Line[] {
  return Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
}

function readJson(path: string) {
  return JSON.parse(Deno.readTextFileSync(path));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function write(from: Person, to: string, count: number): Promise<void> {
  await Promise.all([...Array(count).keys()].map((number) => from.client.send(to, `${number} ${"x".repeat(300)}`)));
}

Deno.test("chatd export makes a folder of all that a user may see, for its owner only", async () => {
  using folder = temporaryFolder();
  const out = `${folder.path}/out`;
  await using server = await ServerProcess.start({
    folder: `${folder.path}/data`,
    args: ["--rate", "100000", "--burst", "100000"],
  });
  const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const [ana, ben, cleo] = [await join("ana", transport), await join("ben", transport), await join("cleo", transport)];
  await write(ana, "ben", 300);
  await write(ben, "ana", 150);
  await write(cleo, "ben", 10);
  const room = await ben.client.rooms.create({ name: "ops", public: true, historyVisible: false });
  await ben.client.send("#ops", "before she came");
  await ana.client.rooms.join("#ops");
  await ben.client.send("#ops", "hello ana");

  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const upload = await ben.client.files.upload({
    name: "plan.bin",
    mediaType: "",
    size: bytes.length,
    read: (offset, maxBytes) => Promise.resolve(bytes.subarray(offset, offset + maxBytes)),
  });
  await ben.client.send("#ops", "", { upload });

  const result = await runChatd({ args: exportArgs(server, out), env: environment(folder.path) });
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^Exported ana to .*: 2 conversations/);

  const direct = readLines(`${out}/conversations/ben.jsonl`);
  assert.deepEqual(direct.map(({ seq }) => Number(seq)), [...Array(450).keys()].map((index) => index + 1));
  assert.equal(direct.filter(({ sender }) => sender === "ana").length, 300);
  assert.ok(direct.every(({ text }) => text!.length > 300));
  const inRoom = readLines(`${out}/conversations/${room.id}.jsonl`);
  assert.deepEqual(inRoom.flatMap(({ text }) => text ?? []), ["hello ana"]);
  assert.deepEqual([...Deno.readDirSync(`${out}/conversations`)].length, 2, "nothing of ben and cleo");
  const { attachment, file } = inRoom.at(-1)!;
  assert.equal(attachment!.name, "plan.bin");
  assert.equal(file, `files/${Uint8Array.fromBase64(attachment!.sha256).toHex()}`);
  assert.deepEqual(Deno.readFileSync(`${out}/${file}`), bytes);
  assert.equal(readJson(`${out}/profile.json`).user, "ana");
  assert.deepEqual(readJson(`${out}/settings.json`).blocked, undefined);
  const listed = readJson(`${out}/conversations.json`).map(({ conversation }: { conversation: string }) =>
    conversation
  );
  assert.deepEqual(listed.sort(), [room.id, "ana:ben"].sort());
  assert.equal(readJson(`${out}/complete.json`).conversations, 2);
  for (const path of ["", "/conversations", "/files"]) {
    assert.equal(Deno.statSync(`${out}${path}`).mode! & 0o777, 0o700);
  }
  for (const path of ["/profile.json", "/conversations/ben.jsonl"]) {
    assert.equal(Deno.statSync(`${out}${path}`).mode! & 0o777, 0o600);
  }

  const again = await runChatd({ args: exportArgs(server, out), env: environment(folder.path) });
  assert.equal(again.code, 1);
  assert.match(again.stderr, /contains a finished export/);
  await Promise.all([ana, ben, cleo].map((person) => person.stop()));
});

Deno.test("an export that is killed is never taken for a whole one, and is gone on with", async () => {
  using folder = temporaryFolder();
  const out = `${folder.path}/out`;
  const log = `${out}/conversations/ben.jsonl`;
  const data = `${folder.path}/data`;
  {
    await using server = await ServerProcess.start({ folder: data, args: ["--rate", "100000", "--burst", "100000"] });
    const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
    const [ana, ben] = [await join("ana", transport), await join("ben", transport)];
    await write(ana, "ben", 1_500);
    await Promise.all([ana, ben].map((person) => person.stop()));
  }
  // So slow that it is in the middle for seconds.
  await using server = await ServerProcess.start({ folder: data, args: ["--rate", "5", "--burst", "10"] });
  const env = { ...environment(folder.path), PATH: Deno.env.get("PATH")! };
  {
    await using running = new Child({ args: exportArgs(server, out), env });
    await eventually(() => exists(log) && Deno.statSync(log).size > 0, () => running.lines.join("\n"));
    running.kill("SIGKILL");
    await running.status;
  }
  assert.equal(exists(`${out}/complete.json`), false);
  // As if it had been killed within a line.
  using file = Deno.openSync(log, { append: true });
  file.writeSync(new TextEncoder().encode('{"seq":'));

  const result = await runChatd({ args: exportArgs(server, out), env });
  assert.equal(result.code, 0, result.stderr);
  const lines = readLines(log);
  assert.deepEqual(lines.map(({ seq }) => Number(seq)), [...Array(1_500).keys()].map((index) => index + 1));
  assert.ok(exists(`${out}/complete.json`));
});

Deno.test("chatd export does not touch a folder with something else in it", async () => {
  using folder = temporaryFolder();
  const out = `${folder.path}/out`;
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const transport = new Http2Transport({ host: "127.0.0.1", port: server.port, callback: false });
  const ana = await join("ana", transport);
  await ana.stop();
  Deno.mkdirSync(out);
  Deno.writeTextFileSync(`${out}/note`, createMessageId());
  const { code, stderr } = await runChatd({ args: exportArgs(server, out), env: environment(folder.path) });
  assert.equal(code, 1);
  assert.match(stderr, /contains something other than an unfinished export of ana/);
  assert.deepEqual([...Deno.readDirSync(out)].map(({ name }) => name), ["note"]);
});
