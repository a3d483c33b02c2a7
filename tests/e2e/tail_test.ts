/** chatd tail as a separate process, over gRPC. */
import assert from "node:assert/strict";
import { eventually } from "../support/waiting/eventually.ts";
import { jsonLines } from "../support/processes/script_user.ts";
import { withUsers } from "../support/processes/with_users.ts";

const root = new URL("../..", import.meta.url);

/** The file of ben's login. */
function statePath(folder: string): string {
  const files = [...Deno.readDirSync(`${folder}/ben/chatd`)].map(({ name }) => name);
  return `${folder}/ben/chatd/${files.find((name) => name.endsWith("_ben.json"))}`;
}

function texts(lines: readonly string[]): unknown[] {
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).text);
}

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
