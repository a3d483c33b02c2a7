/** The examples, as people run them, with a chatd on the path. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ProcessGroups } from "../../.ci/process_groups.ts";
import { Http2Transport } from "../../src/grpc/client/http2_transport.ts";
import { eventually } from "../support/waiting/eventually.ts";
import { comeBack } from "../support/servers/person.ts";
import { makePythonStubs } from "../support/processes/python_stubs.ts";
import { jsonLines, scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Context {
  readonly ana: ScriptUser;
  readonly ben: ScriptUser;
  readonly server: ServerProcess;
  readonly folder: string;
  /** The environment of ben, with a chatd on the path. */
  readonly env: Readonly<Record<string, string>>;
}

async function withUsers(use: (context: Context) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const place = ["--server", `127.0.0.1:${server.port}`];
  const [ana, ben] = ["ana", "ben"].map((user) => new ScriptUser(user, { folder: folder.path, place }));
  for (const user of [ana, ben]) {
    const { code, stderr } = await user.register();
    assert.equal(code, 0, stderr);
  }
  const program = `exec '${Deno.execPath()}' run --quiet --no-check --cached-only -A '${root}main.ts' "$@"`;
  Deno.mkdirSync(`${folder.path}/bin`);
  Deno.writeTextFileSync(`${folder.path}/bin/chatd`, `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  const env = { ...ben.env, PATH: `${folder.path}/bin:${Deno.env.get("PATH")}` };
  await use({ ana, ben, server, folder: folder.path, env });
}

/** Rooms that ana and ben are in. */
async function makeRooms(port: number, names: readonly string[]): Promise<void> {
  const transport = new Http2Transport({ host: "127.0.0.1", port, callback: false });
  for (const user of ["ana", "ben"]) {
    const request = { user, password: scriptPassword, deviceName: "", deviceId: "" };
    const { credentials } = await transport.logIn(request, {});
    const person = await comeBack(credentials!.token, transport);
    for (const name of names) {
      if (user === "ana") await person.client.rooms.create({ name, public: true, historyVisible: true });
      else await person.client.rooms.join(`#${name}`);
    }
    await person.stop();
  }
}

async function texts(user: ScriptUser, address: string): Promise<unknown[]> {
  const { code, stdout, stderr } = await user.run(["history", "--json", "--with", address]);
  assert.equal(code, 0, stderr);
  return jsonLines(stdout).map(({ text }) => text);
}

Deno.test("the alert for cron sends when the disk is full enough, and says nothing else", async () => {
  await withUsers(async ({ ana, env }) => {
    const alert = async (limit: string) => {
      const command = new Deno.Command(`${root}examples/disk_alert.sh`, {
        args: ["/", limit, "ana"],
        env,
        stdin: "null",
      });
      const { code, stdout, stderr } = await command.output();
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    };
    assert.deepEqual(await alert("101"), { code: 0, stdout: "", stderr: "" });
    assert.deepEqual(await alert("0"), { code: 0, stdout: "", stderr: "" });
    const [text, ...others] = await texts(ana, "ben");
    assert.match(String(text), /: \/ is \d+ % full$/);
    assert.deepEqual(others, []);
  });
});

Deno.test("the echo bot says again what was said", async () => {
  await withUsers(async ({ ana, ben }) => {
    await using bot = ben.start("bot", "--exec", `${root}examples/echo_bot.sh`);
    await bot.line(/answers as ben/);
    // A bot that is new begins with what comes from now on, which may be the second.
    await eventually(async () => {
      await ana.run(["send", "--to", "ben", "hello"]);
      return (await texts(ana, "ben")).includes("ana said: hello");
    });
    bot.kill("SIGTERM");
    assert.equal((await bot.status).code, 0);
  });
});

Deno.test("the bridge carries what others say from one room to the other, and back, once", async () => {
  await withUsers(async ({ ana, env, server }) => {
    await makeRooms(server.port, ["one", "two"]);
    await using groups = new ProcessGroups();
    const bridge = await groups.spawn(Deno.execPath(), {
      args: ["run", "-A", `${root}examples/bridge.mjs`, "#one", "#two"],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    });
    let said = "";
    // At its end everything that the bridge started has ended too.
    const saying = bridge.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({
        write(text) {
          said += text;
        },
      }),
    );
    const carried = (room: string, text: string) => async () => (await texts(ana, room)).includes(text);
    try {
      for (const [from, to] of [["#one", "#two"], ["#two", "#one"]]) {
        const isCarried = carried(to, `ana: from ${from}`);
        await eventually(async () => {
          await ana.run(["send", "--to", from, `from ${from}`]);
          return await isCarried();
        }, () => `from ${from} in ${to}: ${said}`);
      }
      await ana.run(["send", "--to", "#one", "last"]);
      await eventually(carried("#two", "ana: last"), () => `the last one in #two: ${said}`);
      for (const room of ["#one", "#two"]) {
        assert.ok((await texts(ana, room)).every((text) => !String(text).includes("ben:")), "nothing goes in circles");
      }
    } finally {
      endGroup(bridge.pid);
      await Promise.all([bridge.status, saying]);
    }
  });
});

/** Tells all processes of a group to end, if there are any. */
function endGroup(pid: number): void {
  try {
    Deno.kill(-pid, "SIGTERM");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

Deno.test("the example in Python over gRPC logs in, sends, and prints what was said", async () => {
  await withUsers(async ({ ana, ben, server, folder }) => {
    const stubs = await makePythonStubs(`${folder}/stubs`);
    assert.equal((await ben.run(["send", "--to", "ana", "first"])).code, 0);
    const { code, stdout, stderr } = await new Deno.Command("/usr/bin/python3", {
      args: [`${root}examples/grpc_chat.py`, `127.0.0.1:${server.port}`, "ana", "ben", "Grüße, ben"],
      env: { CHATD_PASSWORD: scriptPassword, PYTHONPATH: stubs, PYTHONIOENCODING: "utf-8" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assert.equal(code, 0, decoder.decode(stderr));
    assert.equal(decoder.decode(stdout), "ben: first\nana: Grüße, ben\n");
    assert.deepEqual(await texts(ana, "ben"), ["first", "Grüße, ben"]);
  });
});
