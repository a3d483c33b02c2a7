import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { layoutInput } from "../../src/terminal/input/input_layout.ts";
import { lineTo } from "../support/proxies/slow_line.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ignore = !hasTmux;

/** What to type to chat; the state is in `folder`, one for each machine that is played. */
function command(options: { port: number; user: string; folder: string; more?: string }): string {
  const { port, user, folder, more = "" } = options;
  const run = `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${root}main.ts"`;
  return `XDG_STATE_HOME="${folder}/${user}" ${run} grpc-client --server 127.0.0.1:${port} --user ${user} --plain ${more}`;
}

async function register(terminal: Tmux, line: string): Promise<void> {
  await terminal.type(line, "Enter");
  await terminal.sees(/Log in or register\? \[l\/r\]/);
  await terminal.type("r", "Enter");
  await terminal.sees(/New password/);
  await terminal.type("correct horse", "Enter");
  await terminal.sees(/Repeat the password/);
  await terminal.type("correct horse", "Enter");
  await terminal.sees(/Connected to/);
}

/** What is on the screen, without the times of messages. */
async function seen(terminal: Tmux): Promise<string> {
  return (await terminal.lines()).join("\n").replace(/\d\d:\d\d (?=\S)/g, "");
}

Deno.test("two people register, chat, leave, come back and have their history", { ignore }, async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  await using line = lineTo(server.port);
  await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 30 });
  await using ben = await Tmux.start({ folder: folder.path, columns: 60, rows: 30 });
  const asAna = command({ port: line.port, user: "ana", folder: folder.path });
  const asBen = command({ port: line.port, user: "ben", folder: folder.path });
  await register(ana, asAna);
  await register(ben, asBen);
  assert.ok(!(await seen(ana)).includes("horse"), "the password was shown");

  await ana.type("/to ben", "Enter");
  await ana.sees(/\[ana → ben\]/);
  await ben.type("a draft with 漢字 that ana does not disturb however long, over two rows");
  await ben.sees(/over\s+two\s+rows$/);
  await ana.type("hello 漢字 👍", "Enter");
  await ben.sees(/ana: hello 漢字 👍\n(ana is online\.\n)?\[ben\] a draft with 漢字[^[]*over\s+two\s+rows$/);

  await ana.paste("one\ntwo\n");
  await ana.sees(/\[ana → ben\] one\ntwo/);
  await ana.type("", "Enter");
  await ben.sees(/ana: one\n {6}two/);
  await ben.type("", "C-c");
  await ben.type("/to ana", "Enter");
  await ben.sees(/\[ben → ana\]/);
  await ben.type("hi ana", "Enter");
  await ana.sees(/ben: hi ana/);

  await ben.type("", "C-d");
  await ben.sees(/\n\$ *$/);
  await ben.type("stty -a | grep -o ' icanon'; clear", "Enter");
  await ana.type("while you were away", "Enter");
  await ana.sees(/ana: while you were away/);
  await ben.type(asBen, "Enter");
  await ben.sees(/missed while you were away[^]*ana: while you were away/);
  const again = await seen(ben);
  for (const text of ["hello 漢字", "hi ana", ": while you were away"]) {
    assert.equal(again.split(text).length, 2, `${text} once in\n${again}`);
  }

  await ana.type("/quit", "Enter");
  await ana.sees(/\n\$ *$/);
  await ana.type("echo code $?", "Enter");
  await ana.sees(/code 0/);
});

Deno.test("a killed server is waited for with the draft, and nothing is lost or doubled", { ignore }, async () => {
  using folder = temporaryFolder();
  await using ana = await Tmux.start({ folder: folder.path, columns: 100, rows: 30 });
  const [port] = await freePorts(1);
  await using line = lineTo(port);
  {
    await using server = await ServerProcess.start({ folder: `${folder.path}/data`, port });
    await register(ana, command({ port: line.port, user: "ana", folder: folder.path, more: "--to ana" }));
    await ana.type("before", "Enter");
    await ana.sees(/ana: before/);
    server.kill("SIGKILL");
    await ana.sees(/offline, next try in \d+ s/);
  }
  await ana.type("meanwhile", "Enter");
  await ana.sees(/sending to ana: meanwhile/);
  await ana.type("half a dra");
  await using _server = await ServerProcess.start({ folder: `${folder.path}/data`, port });
  await ana.sees(/Connected again\.[^]*ana: meanwhile\n\[ana → ana\] half a dra$/);
  await ana.type("ft", "Enter");
  await ana.sees(/ana: half a draft/);
  assert.equal((await seen(ana)).split("ana: meanwhile").length, 2);
});

Deno.test(
  "a server that stops is noticed, and gone on with when it continues",
  { ignore },
  async () => {
    using folder = temporaryFolder();
    await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
    await using line = lineTo(server.port);
    await using ana = await Tmux.start({ folder: folder.path, columns: 100, rows: 30 });
    await register(ana, command({ port: line.port, user: "ana", folder: folder.path, more: "--to ana" }));
    server.kill("SIGSTOP");
    await ana.sees(/Disconnected: /);
    server.kill("SIGCONT");
    await ana.type("there again?", "Enter");
    await ana.sees(/Connected again\.[^]*ana: there again\?/);
  },
);

Deno.test("a window of another size keeps the transcript and the draft", { ignore }, async () => {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  await using line = lineTo(server.port);
  await using ana = await Tmux.start({ folder: folder.path, columns: 90, rows: 30 });
  await register(ana, command({ port: line.port, user: "ana", folder: folder.path, more: "--to ana" }));
  for (const text of ["first", "second", "third"]) {
    await ana.type(text, "Enter");
    await ana.sees(new RegExp(`ana: ${text}`));
  }
  const draft = "a draft of some length, so that it takes two rows in the end, which it does here";
  await ana.type(draft);
  await ana.sees(/h\s*ere$/);
  for (const columns of [60, 41, 30, 75, 120]) {
    await ana.resize(columns, 30);
    // The terminal reflows the rows itself; the client draws others. Another size during that would spoil its rows.
    const { rows } = layoutInput("[ana → ana] ", { text: draft, cursor: draft.length }, { columns, rows: 30 });
    const drawn = rows.map((row) => RegExp.escape(row.trimEnd())).join(" *\n");
    await ana.sees(new RegExp(`ana: first\n.*ana: second\n.*ana: third\n${drawn}$`));
  }
  await ana.type("", "Enter");
  await ana.sees(/ana: a draft/);
});
