import assert from "node:assert/strict";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { join, until } from "../support/servers/person.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

async function chatd(folder: string, ...args: string[]): Promise<ChatdResult> {
  return await runChatd({ args: [...args, "--data", folder], env: { CHATD_PASSWORD: "correct horse battery" } });
}

async function done(result: Promise<ChatdResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, stderr);
  return stdout;
}

async function refused(result: Promise<ChatdResult>, message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await result;
  assert.deepEqual([code, stdout], [1, ""], stderr);
  assert.match(stderr, /^chatd: [^\n]+\n$/);
  assert.match(stderr, message);
}

function transportTo({ port }: ServerProcess): Http2Transport {
  return new Http2Transport({ host: "127.0.0.1", port, callback: false });
}

Deno.test("chatd retention shortens logs of a running server, and clients see the new start", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path });
  const [ana, ben] = [await join("ana", transportTo(server)), await join("ben", transportTo(server))];
  for (let number = 1; number <= 10; number++) await ana.client.send("ben", `number ${number}`);
  await until(() => ben.received.length === 10);

  assert.equal(await done(chatd(folder.path, "retention", "list")), "");
  await done(chatd(folder.path, "retention", "set", "ben:ana", "--max-entries", "3"));
  await done(chatd(folder.path, "retention", "set", "all", "--max-age", "90d"));
  assert.equal(
    await done(chatd(folder.path, "retention", "list")),
    "all\tentries of the last 90d\nana:ben\tthe newest 3 entries\n",
  );
  const history = () => ben.client.history({ with: "ana" });
  await eventually(async () => (await history()).messages.length === 3);
  const { messages, startSeq, headSeq, more } = await history();
  assert.deepEqual(messages.map(({ text }) => text), ["number 8", "number 9", "number 10"]);
  assert.deepEqual([startSeq, headSeq, more], [8, 10, false]);
  assert.equal((await ana.client.send("ben", "one more")).seq, 11);

  await done(chatd(folder.path, "retention", "unset", "ana:ben"));
  await refused(chatd(folder.path, "retention", "unset", "ana:ben"), /no rule for "ana:ben"/);
  await refused(chatd(folder.path, "retention", "set", "ana:cleo"), /Cannot set a rule for "ana:cleo"/);
  await refused(chatd(folder.path, "retention", "set", "#ops"), /no room "#ops"/);
  assert.match(await done(chatd(folder.path, "audit")), /retention_changed/);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("chatd room lists, shows and deletes rooms of a running server", async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: folder.path });
  const [ana, ben] = [await join("ana", transportTo(server)), await join("ben", transportTo(server))];
  const ops = await ana.client.rooms.create({ name: "ops", public: true, historyVisible: true });
  const secret = await ana.client.rooms.create({ name: "secret", public: false, historyVisible: false });
  await ben.client.rooms.join("#ops");
  await ana.client.send("#ops", "hello");

  const list = await done(chatd(folder.path, "room", "list"));
  assert.match(list, new RegExp(`^\\${ops.id}\t#ops\tpublic\t2\t`, "m"));
  assert.match(list, new RegExp(`^\\${secret.id}\t#secret\tprivate\t1\t`, "m"));
  const shown = await done(chatd(folder.path, "room", "show", "#ops"));
  assert.match(shown, /\nana\towner\nben\tmember\n$/);
  await refused(chatd(folder.path, "room", "show", "#secret"), /no room "#secret"/);
  const short = `#secret${secret.id.slice(0, 6)}`;
  assert.match(await done(chatd(folder.path, "room", "show", short)), /\nana\towner\n$/);

  await refused(chatd(folder.path, "room", "delete", "#ops"), /confirm with --yes/);
  assert.match(await done(chatd(folder.path, "room", "delete", "#ops", "--yes")), /^Deleted room #ops/);
  await rejectsWith("not_found", ben.client.history({ with: "#ops" }));
  await rejectsWith("not_found", ben.client.history({ with: ops.id }));
  await rejectsWith("not_found", ana.client.send("#ops", "still there?"));
  const { conversations } = await ana.client.listConversations();
  assert.deepEqual(conversations.map(({ conversation }) => conversation), [secret.id]);
  assert.doesNotMatch(await done(chatd(folder.path, "room", "list")), /#ops/);
  await Promise.all([ana.stop(), ben.stop()]);
});

Deno.test("chatd user delete removes a user permanently, with and without a server", async () => {
  using folder = temporaryFolder();
  {
    await using server = await ServerProcess.start({ folder: folder.path });
    const [ana, ben] = [await join("ana", transportTo(server)), await join("ben", transportTo(server))];
    await ana.client.send("ben", "from ana");
    await ben.client.send("ana", "from ben");
    await refused(chatd(folder.path, "user", "delete", "ana"), /confirm with --yes/);
    await done(chatd(folder.path, "user", "delete", "ana", "--yes"));
    await until(() => ana.client.state.kind === "ended");
    const { conversations: [{ address, last }] } = await ben.client.listConversations();
    assert.match(address, /^deleted\./);
    assert.equal(last?.text, "from ben");
    const { messages } = await ben.client.history({ with: address });
    assert.deepEqual(messages.map(({ text }) => text), ["from ana", "from ben"]);
    await Promise.all([ana.stop(), ben.stop()]);
  }
  await done(chatd(folder.path, "user", "delete", "ben", "--yes", "--deleted-accounts", "erase"));
  await refused(chatd(folder.path, "user", "delete", "ben", "--yes"), /no user "ben"/);
  await refused(chatd(folder.path, "user", "add", "ben"), /"ben" is taken/);
  assert.equal(await done(chatd(folder.path, "user", "list")), "");
  const backup = `${folder.path}/backup`;
  await done(chatd(folder.path, "backup", backup));
  const bytes = new TextDecoder("latin1").decode(Deno.readFileSync(`${backup}/chatd.sqlite`));
  assert.ok(bytes.includes("from ana"));
  assert.ok(!bytes.includes("from ben"), "nothing of what was erased is in the file");
});
