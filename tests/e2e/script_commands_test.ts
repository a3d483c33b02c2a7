/** The script commands as separate processes, over gRPC. */
import assert from "node:assert/strict";
import { runChatd } from "../support/processes/chatd_process.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { jsonLines, scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const root = new URL("../..", import.meta.url);

async function withUsers(
  use: (context: { ana: ScriptUser; ben: ScriptUser; server: ServerProcess; folder: string }) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const place = ["--server", `127.0.0.1:${server.port}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder: folder.path, place }));
  for (const user of [ana, ben]) {
    const { code, stderr } = await user.register();
    assert.equal(code, 0, stderr);
  }
  await use({ ana, ben, server, folder: folder.path });
}

/** Options of ben's login. */
function statePath(folder: string): string {
  const files = [...Deno.readDirSync(`${folder}/ben/chatd`)].map(({ name }) => name);
  return `${folder}/ben/chatd/${files.find((name) => name.endsWith("_ben.json"))}`;
}

function texts(lines: readonly string[]): unknown[] {
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).text);
}

Deno.test("a profile keeps the user and server, for its owner only, until logout", async () => {
  await withUsers(async ({ ana, server, folder }) => {
    const again = await ana.run([
      "login",
      "--profile",
      "work",
      "--user",
      "ana",
      "--server",
      `127.0.0.1:${server.port}`,
    ]);
    assert.deepEqual([again.code, again.stdout], [0, ""], again.stderr);
    const listed = await ana.run(["profiles", "--json"]);
    const address = `127.0.0.1:${server.port}`;
    const profile = { user: "ana", via: "grpc", address, loggedIn: true };
    assert.deepEqual(jsonLines(listed.stdout), [{ name: "default", ...profile }, { name: "work", ...profile }]);
    const path = `${folder}/ana/chatd/profiles/default.json`;
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o600);
    assert.ok(!Deno.readTextFileSync(path).includes(scriptPassword));

    assert.equal((await ana.run(["send", "--profile", "work", "--to", "ben", "hello"])).code, 0);
    assert.equal((await ana.run(["logout", "--profile", "work"])).code, 0);
    const out = await ana.run(["send", "--profile", "work", "--to", "ben", "hello"]);
    assert.deepEqual([out.code, out.stdout], [3, ""]);
    assert.match(out.stderr, /^chatd: There is no profile "work": create it with "chatd login --profile work/);
    // The other profile has the same token.
    const dead = await ana.run(["send", "--to", "ben", "hello"]);
    assert.equal(dead.code, 3);
    assert.match(dead.stderr, /--password-file/);
  });
});

Deno.test("send sends words, stdin, lines and files, and prints accepted messages", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const words = await ana.run(["send", "--to", "ben", "--json", "hello", "ben"]);
    assert.equal(words.code, 0, words.stderr);
    const [accepted] = jsonLines(words.stdout);
    const { id, position, acceptedAtMs, ...rest } = accepted;
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    assert.ok(Number(position) > 0 && Math.abs(Number(acceptedAtMs) - Date.now()) < 600_000);
    assert.deepEqual(rest, {
      conversation: "ana:ben",
      address: "ben",
      seq: "1",
      sender: "ana",
      own: true,
      text: "hello ben",
    });
    assert.deepEqual(await ana.run(["send", "--to", "ben", "--reply-to", "1"], "two\nlines\n"), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    const lines = await ana.run(["send", "--to", "ben", "--lines", "--json"], "one\n\nthree");
    assert.deepEqual(jsonLines(lines.stdout).map(({ text }) => text), ["one", "three"]);
    Deno.writeTextFileSync(`${folder}/report.csv`, "a,b\n");
    assert.equal((await ana.run(["send", "--to", "ben", "--file", `${folder}/report.csv`])).code, 0);
    const refused = await ana.run(["send", "--to", "nobody", "x"]);
    assert.deepEqual([refused.code, refused.stdout], [1, ""]);
    assert.match(refused.stderr, /^chatd: There is no user "nobody"/);
    const hidden = await ana.run(["send", "--to", "ben", "--file", `${folder}/nothing`]);
    assert.deepEqual([hidden.code, hidden.stdout], [1, ""]);
    assert.equal((await ana.run(["send", "hello"])).code, 2);
    assert.equal((await ana.run(["send", "--to", "ben"], "")).code, 1, "nothing is no message");

    const history = await ben.run(["history", "--with", "ana", "--json"]);
    const entries = jsonLines(history.stdout);
    assert.deepEqual(entries.map(({ text, replyToSeq }) => [text, replyToSeq]), [
      ["hello ben", undefined],
      ["two\nlines", "1"],
      ["one", undefined],
      ["three", undefined],
      [undefined, undefined],
    ]);
    assert.equal((entries[4].attachment as { name: string }).name, "report.csv");
    assert.deepEqual([entries[0].own, entries[0].address], [undefined, "ana"]);
    const older = await ben.run(["history", "--with", "ana", "--limit", "2", "--before", "4"]);
    assert.match(
      older.stdout,
      /^\d{4}-\d\d-\d\d \d\d:\d\d \[ana\] 2 ana: \(to 1\) two\n {4}lines\n.* \[ana\] 3 ana: one\n$/,
    );
  });
});

Deno.test("pins adds, prints and removes the pins of a conversation", async () => {
  await withUsers(async ({ ana, ben }) => {
    for (const text of ["the door code", "hello"]) assert.equal((await ana.run(["send", "--to", "ben", text])).code, 0);
    const add = (user: ScriptUser, to: string, seq: string) => user.run(["pins", "add", to, seq]);
    assert.deepEqual(await add(ana, "ben", "1"), { code: 0, stdout: "", stderr: "chatd: Pinned message 1 of ben.\n" });
    assert.deepEqual(await add(ben, "ana", "1"), {
      code: 0,
      stdout: "",
      stderr: "chatd: Message 1 of ana is already pinned.\n",
    });
    assert.equal((await add(ben, "ana", "2")).code, 0);
    const [last, first] = jsonLines((await ana.run(["pins", "--with", "ben", "--json"])).stdout);
    const { pinnedAtMs, ...pin } = last;
    assert.ok(Math.abs(Number(pinnedAtMs) - Date.now()) < 600_000);
    assert.deepEqual([pin.text, pin.seq, pin.pinned, pin.pinnedBy, pin.address], ["hello", "2", true, "ben", "ben"]);
    assert.deepEqual([first.text, first.pinnedBy], ["the door code", "ana"]);
    const text = await ben.run(["pins", "--with", "ana"]);
    assert.match(text.stdout, /^.* \[ana\] 2 ana: hello\n.* \[ana\] 1 ana: the door code\n$/);
    const history = jsonLines((await ben.run(["history", "--with", "ana", "--events", "--json"])).stdout);
    assert.deepEqual(history.map(({ pinned, event }) => pinned ?? event), [
      true,
      true,
      { pinned: { seq: "1" } },
      { pinned: { seq: "2" } },
    ]);
    const removed = await ana.run(["pins", "remove", "ben", "2"]);
    assert.deepEqual([removed.code, removed.stderr], [0, "chatd: Removed the pin of message 2 of ben.\n"]);
    const again = await ana.run(["pins", "remove", "ben", "2"]);
    assert.deepEqual([again.code, again.stderr], [1, "chatd: The message is not pinned.\n"]);
    assert.equal((await ben.run(["pins", "add", "ana", "x"])).code, 2);
    assert.equal((await ben.run(["pins"])).code, 2);
  });
});

Deno.test("send retries until the server answers or the timeout ends", async () => {
  await withUsers(async ({ ana, ben, server, folder }) => {
    server.kill("SIGKILL");
    await server.ended();
    const late = await ana.run(["send", "--to", "ben", "--timeout", "1s", "too late"]);
    assert.equal(late.code, 4);
    await using sending = ana.start("send", "--to", "ben", "--timeout", "10m", "in time");
    await sending.line(/^chatd: Waiting for 127\.0\.0\.1:\d+: connection refused\.$/);
    await using _again = await ServerProcess.start({ folder: `${folder}/data`, port: server.port });
    assert.equal((await sending.status).code, 0, sending.lines.join("\n"));
    const found = await ben.run(["history", "--with", "ana", "--json"]);
    assert.deepEqual(jsonLines(found.stdout).map(({ text }) => text), ["in time"]);
  });
});

Deno.test("login checks a password that it is given, also when a login is saved", async () => {
  await withUsers(async ({ ana, server, folder }) => {
    const file = `${folder}/password`;
    const login = ["login", "--user", "ana", "--server", `127.0.0.1:${server.port}`, "--password-file", file];
    Deno.writeTextFileSync(file, "wrong password\n");
    const wrong = await ana.run(login);
    assert.deepEqual([wrong.code, wrong.stdout], [3, ""], wrong.stderr);
    assert.equal((await ana.run(["users"])).code, 0);
    Deno.writeTextFileSync(file, `${scriptPassword}\n`);
    const right = await ana.run(login);
    assert.equal(right.code, 0, right.stderr);
    assert.equal((await ana.run(["users"])).code, 0);
  });
});

Deno.test("an exported server does not stop a command with a profile, and beats the profile", async () => {
  await withUsers(async ({ ana, server }) => {
    const address = `127.0.0.1:${server.port}`;
    const run = (env: Record<string, string>, ...more: string[]) => {
      return runChatd({ args: ["users", ...more], env: { ...ana.env, ...env } });
    };
    const same = await run({ CHATD_SERVER: address });
    assert.deepEqual([same.code, same.stderr], [0, ""]);
    const elsewhere = await run({ CHATD_SERVER: "127.0.0.1:1", CHATD_PASSWORD: scriptPassword });
    assert.equal(elsewhere.code, 4, elsewhere.stderr);
    // The token of the profile is not sent to another server.
    assert.equal((await run({ CHATD_SERVER: "127.0.0.1:1" })).code, 3);
    assert.equal((await run({ CHATD_SERVER: "127.0.0.1:1" }, "--server", address)).code, 0);
    assert.equal((await run({ CHATD_SERVER: "127.0.0.1:1" }, "--profile", "default")).code, 0);
  });
});

Deno.test("users, rooms and search print their results", async () => {
  await withUsers(async ({ ana, ben }) => {
    const users = await ben.run(["users", "--json"]);
    assert.deepEqual(jsonLines(users.stdout).map(({ name }) => name), ["ana", "ben"]);
    assert.match((await ben.run(["users"])).stdout, /^ana\t\w+\nben\t\w+\n$/);
    assert.deepEqual(await ben.run(["rooms", "--json"]), { code: 0, stdout: "", stderr: "" });
    await ana.run(["send", "--to", "ben", "a needle in the hay"]);
    await ana.run(["send", "--to", "ben", "\u009b31m hay\u202e only"]);
    let found = "";
    await eventually(async () =>
      (found = (await ben.run(["search", "--json", "hay"])).stdout).split("\n").length === 3
    );
    assert.deepEqual(jsonLines(found).map(({ seq }) => seq), ["2", "1"]);
    assert.equal(jsonLines(found)[0].text, "\u009b31m hay\u202e only");
    assert.doesNotMatch(found, /[\u0080-\u009f\u202a-\u202e]/, "nothing can harm a terminal");
    const narrow = await ben.run(["search", "--", "hay", "-only", "from:ana"]);
    assert.match(narrow.stdout, /^.*\[ana\] 1 ana: a needle in the hay\n$/);
  });
});

Deno.test("tail resumes where it stopped, prints each message once, and exits on a signal", async () => {
  await withUsers(async ({ ana, ben }) => {
    {
      await using tail = ben.start("tail", "--json", "--name", "log");
      const second = await ben.run(["history", "--with", "ana"]);
      assert.equal(second.code, 0);
      await eventually(async () => {
        await ana.run(["send", "--to", "ben", "begin"]);
        return texts(tail.lines).includes("begin");
      });
      await ana.run(["send", "--to", "ben", "one"]);
      await tail.line(/"one"/);
      const twice = await ben.run(["tail", "--name", "log"]);
      assert.equal(twice.code, 1);
      assert.match(twice.stderr, /"chatd tail" with the name "log" is already running/);
      tail.kill("SIGTERM");
      assert.equal((await tail.status).code, 0, tail.lines.join("\n"));
    }
    for (const text of ["two", "three", "four"]) await ana.run(["send", "--to", "ben", text]);
    const next = await ben.run(["tail", "--json", "--name", "log", "--count", "2"]);
    assert.deepEqual([next.code, jsonLines(next.stdout).map(({ text }) => text)], [0, ["two", "three"]]);
    const last = await ben.run(["tail", "--name", "log", "--count", "1"]);
    assert.match(last.stdout, /\[ana\] \d+ ana: four\n$/);
    const numbered = jsonLines((await ben.run(["history", "--with", "ana", "--json"])).stdout);
    const from = numbered.find(({ text }) => text === "two")!.seq;
    const since = [
      "tail",
      "--json",
      "--name",
      "other",
      "--since",
      String(from),
      "--conversation",
      "ana",
      "--count",
      "3",
    ];
    const replayed = await ben.run(since);
    assert.deepEqual(jsonLines(replayed.stdout).map(({ text }) => text), ["two", "three", "four"], replayed.stderr);
    const byTime = await ben.run(["tail", "--json", "--name", "third", "--since", "1h", "--count", "2"]);
    assert.deepEqual(jsonLines(byTime.stdout).map(({ text }) => text), ["begin", numbered[1].text]);
  });
});

Deno.test("a killed tail resumes its replay, or after it", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const padding = "x".repeat(8_000);
    const all = Array.from({ length: 20 }, (_, index) => `line ${index} ${padding}`);
    assert.equal((await ana.run(["send", "--to", "ben", "--lines"], all.join("\n"))).code, 0);
    // The reader stops, which blocks the replay in the middle.
    const main = new URL("main.ts", root).pathname;
    const stuck = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--cached-only", "-A", main, "tail", "--json", "--since", "1h"],
      env: ben.env,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = stuck.stdout.getReader();
    await reader.read();
    stuck.kill("SIGKILL");
    await stuck.status;
    await reader.cancel();
    {
      await using tail = ben.start("tail", "--json");
      await tail.line(/"line 19 /);
      await eventually(() => !Deno.readTextFileSync(statePath(folder)).includes('"tail:default":{'));
      tail.kill("SIGKILL");
      await tail.status;
      const printed = texts(tail.lines);
      assert.deepEqual(printed, all.slice(-printed.length));
    }
    await ana.run(["send", "--to", "ben", "new"]);
    const next = await ben.run(["tail", "--json", "--count", "1"]);
    assert.deepEqual(jsonLines(next.stdout).map(({ text }) => text), ["new"]);
  });
});

Deno.test("tail repeats messages that its reader did not take, and exits without an error when the reader closes", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const main = new URL("main.ts", root).pathname;
    // More than the buffer of a pipe.
    const padding = "x".repeat(8_000);
    const all = Array.from({ length: 20 }, (_, index) => `line ${index} ${padding}`);
    assert.equal((await ana.run(["send", "--to", "ben", "--lines"], all.join("\n"))).code, 0);
    const script = `"$@" tail --json --name pipe --since 1h 2>err | head -n 5; echo "\${PIPESTATUS[0]}"; cat err`;
    const { stdout } = await new Deno.Command("bash", {
      args: ["-c", script, "-", Deno.execPath(), "run", "--quiet", "--no-check", "--cached-only", "-A", main],
      cwd: folder,
      env: ben.env,
      stdin: "null",
    }).output();
    const printed = new TextDecoder().decode(stdout).trimEnd().split("\n");
    assert.deepEqual(texts(printed), all.slice(0, 5));
    assert.deepEqual(printed.slice(5), ["0"], "the exit code, and nothing on stderr");
    const [last] = all.slice(-1);
    await using next = ben.start("tail", "--json", "--name", "pipe");
    await next.line(/"line 19 /);
    const rest = texts(next.lines);
    assert.deepEqual(rest, all.slice(-rest.length));
    assert.ok(rest.includes(last) && rest.length < 20);
  });
});

Deno.test("bot answers other users with the output of its command, but neither itself nor other bots", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const script = `${folder}/answer.sh`;
    const say = 'read line; echo "$CHATD_SENDER $CHATD_ADDRESS $CHATD_SEQ $1: $line"; echo "$CHATD_PASSWORD" >&2';
    Deno.writeTextFileSync(script, `#!/bin/sh\n${say}\n`, { mode: 0o755 });
    await using bot = ben.start("bot", "--exec", `'${script}' "a  b"`);
    await bot.line(/answers as ben/);
    const history = async () => jsonLines((await ana.run(["history", "--with", "ben", "--json"])).stdout);
    await eventually(async () => {
      await ana.run(["send", "--to", "ben", "hello $(id) `id`"]);
      return (await history()).some(({ automatic }) => automatic);
    });
    const answer = (await history()).find(({ automatic }) => automatic)!;
    assert.match(String(answer.text), /^ana ana \d+ a {2}b: hello \$\(id\) `id`$/);
    assert.deepEqual([answer.sender, answer.automatic], ["ben", true]);
    await ana.run(["send", "--to", "ben", "--automatic", "from a program"]);
    await ana.run(["send", "--to", "ben", "after it"]);
    await eventually(async () => (await history()).some(({ text }) => /: after it$/.test(String(text))));
    assert.ok((await history()).every(({ text }) => !/: from a program$/.test(String(text))));
    const twice = await ben.run(["bot", "--exec", "cat"]);
    assert.match(twice.stderr, /"chatd bot" with the name "default" is already running/);
    bot.kill("SIGINT");
    assert.equal((await bot.status).code, 0, bot.lines.join("\n"));
  });
});

Deno.test("a bot does not make its user online, unless it is told to", async () => {
  await withUsers(async ({ ana, ben }) => {
    const stateOfBen = async () => {
      const { stdout } = await ana.run(["users", "--json"]);
      return jsonLines(stdout).find(({ name }) => name === "ben")!.state;
    };
    {
      await using bot = ben.start("bot", "--exec", "cat", "--name", "quiet");
      await bot.line(/answers as ben/);
      await ana.run(["send", "--to", "ben", "hello"]);
      await eventually(async () => {
        const { stdout } = await ana.run(["history", "--with", "ben", "--json"]);
        return jsonLines(stdout).some(({ automatic }) => automatic);
      });
      assert.equal(await stateOfBen(), "PRESENCE_STATE_OFFLINE");
    }
    await using bot = ben.start("bot", "--exec", "cat", "--online");
    await bot.line(/answers as ben/);
    await eventually(async () => await stateOfBen() === "PRESENCE_STATE_ONLINE");
    bot.kill("SIGINT");
    assert.equal((await bot.status).code, 0, bot.lines.join("\n"));
    await eventually(async () => await stateOfBen() === "PRESENCE_STATE_OFFLINE");
  });
});

Deno.test("a killed bot answers the remaining messages, and none twice", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const ran = `${folder}/ran`;
    const script = `${folder}/slow.sh`;
    const lines = [
      "#!/bin/sh",
      "read line",
      `echo "$line" >> ${ran}`,
      `until [ -e ${folder}/go ]; do sleep 0.1; done`,
      'echo "re: $line $$"',
    ];
    Deno.writeTextFileSync(script, `${lines.join("\n")}\n`, { mode: 0o755 });
    Deno.writeTextFileSync(`${folder}/go`, "");
    const runs = () => {
      try {
        return Deno.readTextFileSync(ran).split("\n").filter((line) => line !== "");
      } catch {
        return [];
      }
    };
    const answers = async () =>
      jsonLines((await ana.run(["history", "--with", "ben", "--json"])).stdout)
        .filter(({ automatic }) => automatic).map(({ text }) => String(text).split(" ")[1]);
    {
      await using bot = ben.start("bot", "--exec", script);
      await bot.line(/answers as/);
      let sent = 0;
      await eventually(async () => {
        await ana.run(["send", "--to", "ben", `first-${++sent}`]);
        return (await answers()).length > 0;
      });
      // Answers come in order, so earlier messages are answered, too.
      await eventually(async () => (await answers()).includes(`first-${sent}`));
      Deno.removeSync(`${folder}/go`);
      await ana.run(["send", "--to", "ben", "second"]);
      await eventually(() => runs().includes("second"));
      bot.kill("SIGKILL");
      await bot.status;
      // Lets the running commands end.
      Deno.writeTextFileSync(`${folder}/go`, "");
    }
    const before = (await answers()).length;
    await using bot = ben.start("bot", "--exec", script);
    await bot.line(/answers as/);
    await ana.run(["send", "--to", "ben", "third"]);
    await eventually(async () => (await answers()).includes("third"));
    assert.deepEqual((await answers()).slice(before), ["second", "third"]);
  });
});

Deno.test("bot reports a command that fails, hangs or does not exist, and continues with others", async () => {
  await withUsers(async ({ ana, ben, folder }) => {
    const script = `${folder}/moody.sh`;
    Deno.writeTextFileSync(
      script,
      '#!/bin/sh\nread line\ncase $line in fail) echo half; exit 3;; hang) sleep 600;; much) yes | head -c 40000;; *) echo "fine";; esac\n',
      { mode: 0o755 },
    );
    {
      await using bot = ben.start("bot", "--exec", script, "--timeout", "3s");
      await bot.line(/answers as/);
      const history = async () => jsonLines((await ana.run(["history", "--with", "ben", "--json"])).stdout);
      await eventually(async () => {
        await ana.run(["send", "--to", "ben", "ok"]);
        return (await history()).some(({ text }) => text === "fine");
      });
      for (const text of ["fail", "hang", "much"]) await ana.run(["send", "--to", "ben", text]);
      await bot.line(/exited with 3/);
      await bot.line(/did not end within 3 s/);
      await bot.line(/printed more than 16384 bytes/);
      await eventually(async () => (await history()).some(({ text }) => String(text).startsWith("y\ny\n")));
      assert.ok((await history()).every(({ text }) => text !== "half"));
    }
    await using bot = ben.start("bot", "--exec", "/nowhere/at/all");
    await bot.line(/answers as/);
    await ana.run(["send", "--to", "ben", "hello"]);
    await bot.line(/Cannot run "\/nowhere\/at\/all"/);
    assert.equal((await bot.status).code, 1);
  });
});
