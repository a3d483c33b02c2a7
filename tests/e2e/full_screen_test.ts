/** The full screen in a real terminal. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Child } from "../support/processes/child_process.ts";
import { runChatd } from "../support/processes/chatd_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { freePorts } from "../support/processes/free_ports.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { type Line, lineTo } from "../support/proxies/slow_line.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { hasTmux, Tmux } from "../support/processes/tmux.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ignore = !hasTmux;
const password = "correct horse";
/** For the shell, which takes lines and not keys. */
const isAsItWas = "stty -a | grep -o ' icanon'; echo it is $?";

function command({ port, user, folder, more = "" }: { port: number; user: string; folder: string; more?: string }) {
  const run = `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${root}main.ts"`;
  return `CHATD_PASSWORD="${password}" XDG_STATE_HOME="${folder}/${user}" ` +
    `${run} grpc-client --server 127.0.0.1:${port} --user ${user} ${more}`;
}

interface WithUsers extends AsyncDisposable {
  readonly server: ServerProcess;
  /** The port that clients connect to. */
  readonly port: number;
}

/** A server with ana and ben, whose logins are kept in `folder`. `at` is the server's port, and the way to it. */
async function serverWithUsers(folder: string, at?: { port: number; line: Line }): Promise<WithUsers> {
  const server = await ServerProcess.start({ folder: `${folder}/data`, port: at?.port });
  const own = at === undefined ? lineTo(server.port) : undefined;
  const { port } = at?.line ?? own!;
  for (const user of ["ana", "ben"]) await addUser(user, `${folder}/data`);
  for (const user of ["ana", "ben"]) await pipe({ port, user, folder }, `I am ${user}.\n`);
  return {
    server,
    port,
    async [Symbol.asyncDispose]() {
      await own?.[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

async function addUser(user: string, data: string): Promise<void> {
  const added = await runChatd({ args: ["user", "add", user, "--data", data], env: { CHATD_PASSWORD: password } });
  assert.equal(added.code, 0, added.stderr);
}

/** Sends each line to ana. */
async function pipe({ port, user, folder }: { port: number; user: string; folder: string }, input: string) {
  const sent = await runChatd({
    args: ["grpc-client", "--server", `127.0.0.1:${port}`, "--user", user, "--to", "ana"],
    env: { CHATD_PASSWORD: password, XDG_STATE_HOME: `${folder}/${user}` },
    input,
  });
  assert.equal(sent.code, 0, sent.stderr);
}

/** What is on the screen, without times and spaces at the end. */
async function screen(terminal: Tmux): Promise<string[]> {
  const lines = (await terminal.lines()).map((line) => line.replace(/\d\d:\d\d/g, "hh:mm").trimEnd());
  return lines;
}

for (const [columns, rows] of [[80, 24], [120, 40]]) {
  Deno.test(`at ${columns}×${rows}, panes stay in their places whatever comes`, { ignore }, async () => {
    using folder = temporaryFolder();
    await using server = await serverWithUsers(folder.path);
    await using ana = await Tmux.start({ folder: folder.path, columns, rows });
    await ana.type(command({ port: server.port, user: "ana", folder: folder.path, more: "--to ben" }), "Enter");
    await ana.sees(/ben: I am ben\.[^]*\n\[ben\]\s*$/);
    const list = Math.min(30, columns / 4);

    await pipe(
      { port: server.port, user: "ben", folder: folder.path },
      "漢字 👍 مرحبا بالعالم\n\x1b[2J\x1b]0;owned\x07 hostile\n" + "word ".repeat(60) + "\nthe last one\n",
    );
    await ana.sees(/ben: the last one/);
    const seen = await screen(ana);
    assert.equal(seen.length, rows, seen.join("\n"));
    assert.ok(seen.some((line) => line.includes("␛[2J␛]0;owned␇ hostile")), seen.join("\n"));
    assert.ok(seen.some((line) => line.includes("漢字 👍")), seen.join("\n"));
    for (const row of seen.slice(0, rows - 2)) assert.equal(row[list], "│", seen.join("\n"));
    assert.match(seen[rows - 2], /^ ana \| online.* hh:mm$/);
    assert.equal(seen[rows - 1], "[ben]");

    await ana.paste("one\ntwo 漢字");
    await ana.sees(/\n\[ben\] one\ntwo 漢字\s*$/);
    await ana.type("", "Enter");
    await ana.sees(/ana: one\n[^\n]*│ {7}two 漢字\n/);
    await ana.type("/quit", "Enter");
    await ana.sees(/\n\$ *$/);
    assert.ok(!(await screen(ana)).some((line) => line.includes("│")), "the screen is as it was");
    await ana.type("stty -a | grep -o ' icanon'; echo it is $?", "Enter");
    await ana.sees(/ icanon\nit is 0/);
  });
}

Deno.test("resized, redrawn and suspended, the screen comes back with the draft", { ignore }, async () => {
  using folder = temporaryFolder();
  await using server = await serverWithUsers(folder.path);
  await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
  await ana.type(command({ port: server.port, user: "ana", folder: folder.path, more: "--to ben" }), "Enter");
  await ana.sees(/\n\[ben\]\s*$/);
  await ana.type("a draft");
  for (const [columns, rows] of [[120, 40], [50, 12], [80, 24]]) {
    await ana.resize(columns, rows);
    await eventually(async () => {
      const seen = await screen(ana);
      return seen.length === rows && seen[rows - 1] === "[ben] a draft" && /hh:mm$/.test(seen[rows - 2]);
    }, () => `the screen at ${columns}×${rows}`);
  }
  await ana.type("", "C-z");
  await ana.sees(/\n\$ *$/);
  await ana.type("echo in the $((1+1)) shell", "Enter");
  await ana.sees(/in the 2 shell/);
  await ana.type("fg", "Enter");
  await ana.sees(/│[^]*\n\[ben\] a draft\s*$/);
  await ana.type(" goes on", "Enter");
  await ana.sees(/ana: a draft goes on/);
});

Deno.test("suspended from outside, the chat takes the terminal again", { ignore }, async () => {
  using folder = temporaryFolder();
  await using server = await serverWithUsers(folder.path);
  for (const [more, prompt] of [["--to ben", "\\[ben\\]"], ["--to ben --plain", "\\[ana → ben\\]"]]) {
    await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    const run = command({ port: server.port, user: "ana", folder: folder.path, more });
    await ana.type(`sh -c 'echo $$ > "${folder.path}/pid"; exec env ${run}'`, "Enter");
    await ana.sees(new RegExp(`\n${prompt}\\s*$`));
    Deno.kill(Number(Deno.readTextFileSync(`${folder.path}/pid`)), "SIGSTOP");
    await ana.sees(/\n\$ *$/);
    // As some shells do; others leave the terminal in raw mode, in which Enter ends no line.
    await ana.type("stty sane; fg", "C-j");
    await ana.sees(new RegExp(`\n${prompt}\\s*$`));
    await ana.type("key", "C-a");
    await ana.type("by ");
    await ana.sees(new RegExp(`\n${prompt} by key\\s*$`));
    // As by `reset`, or by a program that had the screen meanwhile.
    Deno.kill(Number(Deno.readTextFileSync(`${folder.path}/pid`)), "SIGSTOP");
    await ana.sees(/\n\$ *$/);
    await ana.type(String.raw`printf '\033[?1049l\033[?1000l\033[?1004l\033[?2004l\033[?25l'; fg`, "C-j");
    await ana.sees(new RegExp(`\n${prompt} by key\\s*$`));
    await eventually(
      async () => await ana.modes() === (more.includes("plain") ? "alternate 0, mouse 0" : "alternate 1, mouse 1"),
      () => "the modes of the chat",
    );
    await ana.paste("\npasted\n");
    await ana.sees(new RegExp(`\n${prompt} by\\s*\npastedkey\\s*$`));
    // The draft would be there at the next start.
    await ana.type("", "C-c");
    await ana.sees(new RegExp(`\n${prompt}\\s*$`));
  }
});

Deno.test("ended by a signal, the terminal is as it was", { ignore }, async () => {
  using folder = temporaryFolder();
  await using server = await serverWithUsers(folder.path);
  for (const signal of ["TERM", "INT", "HUP"]) {
    await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    const run = command({ port: server.port, user: "ana", folder: folder.path, more: "--to ben" });
    await ana.type(`sh -c 'echo $$ > "${folder.path}/pid"; exec env ${run}'; ${isAsItWas}`, "Enter");
    await ana.sees(/\n\[ben\]\s*$/);
    const pid = Number(Deno.readTextFileSync(`${folder.path}/pid`));
    Deno.kill(pid, `SIG${signal}` as Deno.Signal);
    await ana.sees(/\n icanon\nit is 0\n\$ *$/);
  }
});

Deno.test("ended by a bug, the terminal is as it was", { ignore }, async () => {
  using folder = temporaryFolder();
  for (const way of ["throw", "reject", "exit"]) {
    await using terminal = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    const run =
      `"${Deno.execPath()}" run --quiet --no-check --cached-only -A "${root}tests/support/processes/crashing_screen.ts"`;
    await terminal.type(`${run} ${way} 2>/dev/null; echo it ended with $?; ${isAsItWas}`, "Enter");
    await terminal.sees(/\nit ended with 1\n icanon\nit is 0\n\$ *$/);
    assert.ok(!(await screen(terminal)).some((line) => line.includes("of the screen")));
  }
});

Deno.test("a killed server is counted down for, and what was typed meanwhile is sent", { ignore }, async () => {
  using folder = temporaryFolder();
  await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
  const [port] = await freePorts(1);
  await using line = lineTo(port);
  {
    await using users = await serverWithUsers(folder.path, { port, line });
    await ana.type(command({ port: line.port, user: "ana", folder: folder.path, more: "--to ben" }), "Enter");
    await ana.sees(/ana \| online[^\n]*\n\[ben\]\s*$/);
    users.server.kill("SIGKILL");
    await ana.sees(/offline, next try in \d+ s/);
  }
  await ana.type("meanwhile", "Enter");
  await ana.sees(/sending to ben: meanwhile/);
  await ana.type("half a dra");
  await using _server = await ServerProcess.start({ folder: `${folder.path}/data`, port });
  await ana.sees(/ana: meanwhile[^]*\n\[ben\] half a dra\s*$/);
});

Deno.test("a message in a terminal to which no one is attached stays unread until a key", { ignore }, async () => {
  using folder = temporaryFolder();
  await using server = await serverWithUsers(folder.path);
  const chat = { port: server.port, folder: folder.path };
  for (const more of ["", "--plain"]) {
    await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24, focusEvents: true });
    await using ben = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    await ana.type(command({ ...chat, user: "ana", more: `--to ben ${more}` }), "Enter");
    await ana.sees(/\n\[(ana → )?ben\]\s*$/);
    await ben.type(command({ ...chat, user: "ben", more: "--to ana" }), "Enter");
    await ben.sees(/\n\[ana\]\s*$/);
    await ben.type(`are you there${more}?`, "Enter");
    await ana.sees(/ben: are you there/);
    await ben.sees(/are you there[^\n]* ✓\n/);
    // Another message goes all the way meanwhile.
    await ben.type(`hello${more}?`, "Enter");
    await ben.sees(new RegExp(`hello${more}\\? ✓\\n`));
    await ben.type("/ping", "Enter");
    await ben.sees(/The server answered/);
    assert.doesNotMatch((await screen(ben)).join("\n"), new RegExp(`hello${more}\\? ✓✓`));
    await ana.type("x");
    await ben.sees(new RegExp(`hello${more}\\? ✓✓`));
    await ana.type("", "C-u", "C-d");
    await ana.sees(/\n\$ *$/);
    await ben.type("", "C-d");
    await ben.sees(/\n\$ *$/);
  }
});

for (const face of ["the full screen", "line mode"]) {
  Deno.test(`a user whose scripts run is not shown as online on ${face}`, { ignore }, async () => {
    using folder = temporaryFolder();
    await using server = await serverWithUsers(folder.path);
    const chat = { port: server.port, folder: folder.path };
    const scripts = { CHATD_PASSWORD: password, XDG_STATE_HOME: `${folder.path}/scripts of ben` };
    const script = async (args: readonly string[]) => {
      const { code, stderr } = await runChatd({ args, env: scripts });
      assert.equal(code, 0, stderr);
    };
    await script(["login", "--user", "ben", "--server", `127.0.0.1:${server.port}`]);
    const isLine = face === "line mode";
    const isShown = isLine ? /^ben is o(n|ff)line\.$/m : /^.\d[•◦]ben /m;
    await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    await ana.type(command({ ...chat, user: "ana", more: `--to ben ${isLine ? "--plain" : ""}` }), "Enter");
    await ana.sees(/\n\[(ana → )?ben\]\s*$/);
    {
      await using tail = new Child({ args: ["tail", "--name", "log"], env: scripts });
      await eventually(async () => {
        await script(["send", "--to", "ben", "begin"]);
        return tail.lines.some((line) => line.includes("begin"));
      }, () => tail.lines.join("\n"));
      await script(["send", "--to", "ana", "by a script"]);
      await pipe({ ...chat, user: "ben" }, "through a pipe\n");
      await ana.sees(/by a script[^]*through a pipe/);
      // All that the server told before its answer is on the screen.
      await ana.type("/ping", "Enter");
      await ana.sees(/The server answered/);
      assert.doesNotMatch((await screen(ana)).join("\n"), isShown);
    }
    await using ben = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    await ben.type(command({ ...chat, user: "ben", more: "--to ana" }), "Enter");
    await ana.sees(isShown);
    assert.doesNotMatch((await screen(ana)).join("\n"), /offline/, "the end of the scripts was not told");
  });
}

Deno.test("a terminal that is closed while the server stalls keeps all texts as drafts", { ignore }, async () => {
  using folder = temporaryFolder();
  await using users = await serverWithUsers(folder.path);
  for (const more of ["", "--plain"]) {
    {
      await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
      await ana.type(
        command({ port: users.port, user: "ana", folder: folder.path, more: `--to ben ${more}` }),
        "Enter",
      );
      await ana.sees(/Connected to[^]*\n\[(ana → )?ben\]\s*$/);
      users.server.kill("SIGSTOP");
      await ana.type(`sent too late${more}`, "Enter");
      await ana.sees(new RegExp(`sending to ben: sent too late${more}`));
      await ana.type("half a dra");
      await ana.sees(/half a dra\s*$/);
    }
    users.server.kill("SIGCONT");
    await using ana = await Tmux.start({ folder: folder.path, columns: 80, rows: 24 });
    await ana.type(command({ port: users.port, user: "ana", folder: folder.path, more: `--to ben ${more}` }), "Enter");
    await ana.sees(new RegExp(`\\n\\[(ana → )?ben\\] sent too late${more}\\nhalf a dra\\s*$`));
    await ana.type("", "C-c", "C-d");
    await ana.sees(/\n\$ *$/);
  }
});
