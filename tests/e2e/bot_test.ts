/** chatd bot as a separate process, over gRPC. */
import assert from "node:assert/strict";
import { eventually } from "../support/waiting/eventually.ts";
import { jsonLines } from "../support/processes/script_user.ts";
import { withUsers } from "../support/processes/with_users.ts";

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
