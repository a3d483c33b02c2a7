/** A data folder that is replaced by an earlier copy of itself, as a snapshot, rsync or Litestream does it. */
import assert from "node:assert/strict";
import type { Child } from "../support/processes/child_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { type ChatdResult, runChatd } from "../support/processes/chatd_process.ts";
import { copyData, putBackData } from "../support/servers/put_back.ts";
import { scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const restoredNote = /^chatd: The server's data was put back to an earlier state/;

/** A server whose data folder is copied and put back while it is down, and two users. */
class Scene implements AsyncDisposable {
  readonly ana: ScriptUser;
  readonly ben: ScriptUser;
  readonly #folder: string;
  readonly #tails: Child[] = [];
  #server: ServerProcess;

  private constructor(folder: string, server: ServerProcess) {
    this.#folder = folder;
    this.#server = server;
    const place = ["--server", `127.0.0.1:${server.port}`];
    [this.ana, this.ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder, place }));
  }

  static async open(folder: string): Promise<Scene> {
    const scene = new Scene(folder, await ServerProcess.start({ folder: `${folder}/data` }));
    for (const user of [scene.ana, scene.ben]) assert.equal((await user.register()).code, 0);
    return scene;
  }

  async send(...texts: string[]): Promise<void> {
    const { code, stderr } = await this.ana.run(["send", "--to", "ben", "--lines"], texts.join("\n"));
    assert.equal(code, 0, stderr);
  }

  /** Ben's tail with this name, once it is connected. */
  async tail(name: string): Promise<Child> {
    const connected = () => this.#server.stderr.filter((line) => line.includes(`tail:${name}`)).length;
    const before = connected();
    const tail = this.ben.start("tail", "--json", "--name", name);
    this.#tails.push(tail);
    await eventually(() => connected() > before);
    return tail;
  }

  /** Ben's export to a folder. */
  async export(out: string): Promise<ChatdResult> {
    const args = ["export", "--user", "ben", "--server", `127.0.0.1:${this.#server.port}`, "--out", out];
    return await runChatd({ args, env: { ...this.ben.env, CHATD_PASSWORD: scriptPassword } });
  }

  /** Starts the server again. */
  async restart(): Promise<void> {
    await this.#restart(() => {});
  }

  async copy(): Promise<void> {
    await this.#restart(() => copyData(this.#folder));
  }

  async putBack(): Promise<void> {
    await this.#restart(() => putBackData(this.#folder));
  }

  async #restart(whileDown: () => void): Promise<void> {
    const { port } = this.#server;
    this.#server.kill("SIGTERM");
    await this.#server.ended();
    whileDown();
    this.#server = await ServerProcess.start({ folder: `${this.#folder}/data`, port });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tail of this.#tails) await tail[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}

async function interrupt(tail: Child): Promise<void> {
  tail.kill("SIGINT");
  assert.equal((await tail.status).code, 0, tail.lines.join("\n"));
}

/** What it printed of the texts with this prefix. */
function printed({ lines }: Child, prefix: string): string[] {
  const texts = lines.filter((line) => line.startsWith("{")).map((line) => String(JSON.parse(line).text));
  return texts.filter((text) => text.startsWith(prefix));
}

function numbered(prefix: string, { from, to }: { from: number; to: number }): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${prefix} ${from + i}`);
}

Deno.test("no tail misses a message after its server's data folder was put back to an earlier state", async () => {
  using folder = temporaryFolder();
  await using scene = await Scene.open(folder.path);
  const [live, stopped] = [await scene.tail("live"), await scene.tail("stopped")];
  await scene.send(...numbered("old", { from: 1, to: 3 }));
  for (const tail of [live, stopped]) await tail.line(/old 3/);
  await scene.copy();

  // Not known in the copy.
  const late = await scene.tail("late");
  await scene.send(...numbered("lost", { from: 4, to: 8 }));
  for (const tail of [live, stopped, late]) await tail.line(/lost 8/);
  await interrupt(stopped);
  await interrupt(late);
  await scene.putBack();

  const fresh = numbered("new", { from: 1, to: 7 });
  await scene.send(...fresh);
  await live.line(/new 7/);
  assert.deepEqual(printed(live, "new"), fresh);
  await live.line(restoredNote);
  for (const name of ["stopped", "late"]) {
    const tail = await scene.tail(name);
    await tail.line(/new 7/);
    assert.deepEqual(printed(tail, "new"), fresh, name);
    await tail.line(restoredNote);
    await interrupt(tail);
  }
  // Once is enough.
  const again = await scene.tail("stopped");
  await scene.send("new 8");
  await again.line(/new 8/);
  assert.deepEqual(printed(again, ""), ["new 8"]);
  assert.equal(again.lines.some((line) => restoredNote.test(line)), false);
});

Deno.test("a server that was only restarted makes no tail print anything twice", async () => {
  using folder = temporaryFolder();
  await using scene = await Scene.open(folder.path);
  const [live, stopped] = [await scene.tail("live"), await scene.tail("stopped")];
  await scene.send(...numbered("old", { from: 1, to: 3 }));
  for (const tail of [live, stopped]) await tail.line(/old 3/);
  await interrupt(stopped);
  await scene.copy();
  await scene.send("next 1");
  await live.line(/next 1/);
  assert.deepEqual(printed(live, ""), [...numbered("old", { from: 1, to: 3 }), "next 1"]);
  const again = await scene.tail("stopped");
  await again.line(/next 1/);
  assert.deepEqual(printed(again, ""), ["next 1"]);
  assert.equal([...live.lines, ...again.lines].some((line) => restoredNote.test(line)), false);
});

Deno.test("an export that was interrupted does not go on where the data folder was put back meanwhile", async () => {
  using folder = temporaryFolder();
  await using scene = await Scene.open(folder.path);
  const out = `${folder.path}/out`;
  const exported = () => Deno.readTextFileSync(`${out}/conversations/ana.jsonl`).trimEnd().split("\n");
  /** As if the export had been killed before its end. */
  const unfinish = () => Deno.removeSync(`${out}/complete.json`);
  await scene.send(...numbered("old", { from: 1, to: 3 }));
  await scene.copy();
  await scene.send(...numbered("lost", { from: 4, to: 8 }));
  assert.equal((await scene.export(out)).code, 0);
  unfinish();

  await scene.restart();
  await scene.send("next 9");
  const gone = await scene.export(out);
  assert.equal(gone.code, 0, gone.stderr);
  assert.equal(exported().length, 9, "a server that was only restarted changes nothing");
  unfinish();

  await scene.putBack();
  await scene.send(...numbered("new", { from: 1, to: 12 }));
  const refused = await scene.export(out);
  assert.notEqual(refused.code, 0, "the messages from new 1 to new 6 would be missing");
  assert.match(refused.stderr, /restored to an earlier state after this export began: start again/);
  assert.equal(exported().length, 9);
  assert.equal((await scene.export(`${folder.path}/again`)).code, 0);
});
