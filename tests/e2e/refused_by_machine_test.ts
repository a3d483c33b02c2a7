import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launchFlags } from "../../packaging/launch_flags.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";
import { jsonLines, scriptPassword, ScriptUser } from "../support/processes/script_user.ts";
import { ServerProcess } from "../support/processes/server_process.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** The command line of chatd in a shell, with flags of Deno. */
function chatdWith(flags: readonly string[]): string {
  const words = ["run", "--quiet", "--no-prompt", "--no-check", "--cached-only", ...flags, main];
  return [Deno.execPath(), ...words].map((word) => `"${word}"`).join(" ");
}

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a shell script; `chatd` in it is a command. With `mounts`, it may mount file systems that nobody else sees. */
async function shell(
  script: string,
  { env = {}, mounts = false, flags = ["-A"] }: {
    env?: Record<string, string>;
    mounts?: boolean;
    flags?: readonly string[];
  } = {},
): Promise<Answer> {
  const words = ["sh", "-c", `chatd() { ${chatdWith(flags)} "$@"; }\n${script}`];
  const [program, ...args] = mounts ? ["unshare", "-rm", ...words] : words;
  const { code, stdout, stderr } = await new Deno.Command(program, { args, env: { NO_COLOR: "1", ...env } }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

const canMount = await shell("mount -t tmpfs -o size=16k tmpfs /tmp", { mounts: true })
  .then(({ code }) => code === 0, () => false);

/** A user with messages from a chat with themselves. */
async function withMessages(
  count: number,
  work: (ana: ScriptUser, folder: string) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  await using server = await ServerProcess.start({ folder: `${folder.path}/data` });
  const place = ["--server", `127.0.0.1:${server.port}`];
  const ana = new ScriptUser("ana", { folder: folder.path, place });
  const ben = new ScriptUser("ben", { folder: folder.path, place });
  for (const user of [ana, ben]) assert.equal((await user.register()).code, 0);
  const lines = Array.from({ length: count }, (_, number) => `message ${number}\n`).join("");
  const sent = await ben.run(["send", "--to", "ana", "--lines"], lines);
  assert.equal(sent.code, 0, sent.stderr);
  await work(ana, folder.path);
}

Deno.test("a full disk behind stdout is one sentence and exit code 1, for every kind of output", async () => {
  await withMessages(1, async (ana) => {
    for (const command of ["history --with ben", "users", "tail --since 1h --count 1", "send --help", "--version"]) {
      const { code, err } = await shell(`chatd ${command} > /dev/full`, { env: ana.env });
      assert.equal(code, 1, `${command}: ${err}`);
      assert.match(err, /^chatd: Cannot write the output: the disk is full\.\n$/, command);
    }
    const console = await shell("chatd doctor --data /nonexistent > /dev/full", { env: ana.env });
    assert.equal(console.code, 1);
    assert.match(console.err, /^chatd: Cannot continue: the disk is full \([^\n]+\)\.\n$/);
  });
});

Deno.test("a stderr that cannot be written does not stop a command, nor does a closed pipe", async () => {
  await withMessages(300, async (ana) => {
    const { code } = await shell("chatd profiles 2> /dev/full", { env: { ...ana.env, CHATD_UNHEARD: "1" } });
    assert.equal(code, 0);
    const { out, err } = await shell("chatd tail --since 1h | head -1", { env: ana.env });
    assert.match(out, /message 0\n$/);
    assert.equal(err, "");
  });
});

for (
  const [how, isConfined] of [["", false], [" with the permissions of the npm package and the tasks", true]] as const
) {
  Deno.test({
    name: `tail continues a file with whole lines after its disk was full, and leaves out no message${how}`,
    ignore: !canMount,
    fn: async () => {
      await withMessages(60, async (ana, folder) => {
        const script = `
        mkdir ${folder}/small
        mount -t tmpfs -o size=8k tmpfs ${folder}/small
        ${isConfined ? "" : `printf half > ${folder}/small/log`}
        chatd tail --json --since 1h --count 60 >> ${folder}/small/log
        echo "first exit: $?" >&2
        mount -o remount,size=1m ${folder}/small
        chatd tail --json --count 1 >> ${folder}/small/log
        echo "second exit: $?" >&2
        cat ${folder}/small/log`;
        const { out, err } = await shell(script, {
          env: ana.env,
          mounts: true,
          flags: isConfined ? launchFlags.tail : undefined,
        });
        assert.match(err, /Cannot write the output: the disk is full\.\nfirst exit: 1\nsecond exit: 0\n$/);
        if (!isConfined) assert.match(out, /^half\n/);
        const lines = out.replace(/^half\n/, "");
        const numbers = jsonLines(lines).map(({ text }) => text);
        assert.ok(numbers.length > 1 && numbers.length < 60, out);
        assert.deepEqual(numbers, numbers.map((_, number) => `message ${number}`));
      });
    },
  });
}

Deno.test({
  name: "commands that read work with a read-only home, and others say why they cannot",
  ignore: !canMount,
  fn: async () => {
    await withMessages(1, async (ana) => {
      const script = `
        mount --bind ${ana.env.XDG_STATE_HOME} ${ana.env.XDG_STATE_HOME}
        mount -o remount,bind,ro ${ana.env.XDG_STATE_HOME}
        chatd`;
      const run = (args: string) => shell(`${script} ${args}`, { env: ana.env, mounts: true });
      for (const args of ["history --with ben", "search message", "users", "rooms", "send --to ben hi", "profiles"]) {
        const { code, err } = await run(args);
        assert.deepEqual([code, err], [0, ""], args);
      }
      const env = { CHATD_PASSWORD: scriptPassword, CHATD_NEW_PASSWORD: "another password" };
      for (const args of ["tail", "logout", "passwd"]) {
        const { code, err } = await shell(`${script} ${args}`, { env: { ...ana.env, ...env }, mounts: true });
        assert.equal(code, 1, args);
        assert.match(err, /^chatd: Cannot [^\n]+: the file system is read-only\. [^\n]+XDG_STATE_HOME\.\n$/, args);
      }
      assert.equal((await run("users")).code, 0, "the server has neither logged out nor changed the password");
    });
  },
});

Deno.test({
  name: "a server, --check-config and doctor name a read-only data folder",
  ignore: !canMount,
  fn: async () => {
    using folder = temporaryFolder();
    const data = `${folder.path}/data`;
    const script = `
      export CHATD_PASSWORD="${scriptPassword}"
      chatd user add ana --data ${data} >&2
      mount --bind ${data} ${data}
      mount -o remount,bind,ro ${data}
      chatd`;
    const commands = [
      `serve --listen 127.0.0.1:0 --data ${data}`,
      `serve --check-config --data ${data}`,
      `user add ben --data ${data}`,
      `doctor --data ${data}`,
    ];
    for (const command of commands) {
      const { code, out, err } = await shell(`${script} ${command}`, { mounts: true });
      assert.notEqual(code, 0, command);
      assert.match(out + err, /Cannot write to the data folder "[^"]+": the file system is read-only\. /, command);
      assert.doesNotMatch(err, /bug/, command);
    }
  },
});

Deno.test("output to a file with > and >> is whole and in its place, with any permissions", async () => {
  await withMessages(3, async (ana, folder) => {
    const file = `${folder}/out`;
    for (const flags of [["-A"], launchFlags.history]) {
      for (const [redirect, before] of [[">", ""], [">>", "before\n"], [">>", ""]]) {
        Deno.writeTextFileSync(file, before);
        const script = `{ echo first; chatd history --with ben; echo last; } ${redirect} ${file}`;
        const { code, err } = await shell(script, { env: ana.env, flags });
        assert.deepEqual([code, err], [0, ""]);
        const lines = Deno.readTextFileSync(file).replace(/^.*ben: /gm, "");
        assert.equal(lines, `${before}first\nmessage 0\nmessage 1\nmessage 2\nlast\n`, `${redirect} ${flags}`);
      }
    }
  });
});

Deno.test({
  name: "a login in a home that cannot be written names the reason, and a file size limit is an error",
  ignore: !canMount,
  fn: async () => {
    await withMessages(1, async (ana, folder) => {
      const state = `${folder}/empty`;
      const mounted = `mkdir ${state}; mount --bind ${state} ${state}; mount -o remount,bind,ro ${state};`;
      const login = `chatd login --user ana ${ana.place.join(" ")}`;
      const readOnly = await shell(`${mounted} ${login}`, {
        env: { ...ana.env, XDG_STATE_HOME: state, CHATD_PASSWORD: scriptPassword },
        mounts: true,
      });
      assert.equal(readOnly.code, 1);
      assert.match(
        readOnly.err,
        /^chatd: Cannot save [^\n]+: the file system is read-only\. [^\n]+XDG_STATE_HOME\.\n$/,
      );
      // Deno itself writes a few files in its cache.
      const limited =
        `head -c 4194304 /dev/zero > ${folder}/big; ulimit -f 4096; chatd history --with ben >> ${folder}/big`;
      const { code, err } = await shell(limited, { env: ana.env });
      assert.equal(code, 1);
      assert.equal(
        err,
        "chatd: Cannot write the output: the file would be larger than the system allows (ulimit -f).\n",
      );
      assert.equal(Deno.statSync(`${folder}/big`).size, 4_194_304);
    });
  },
});
