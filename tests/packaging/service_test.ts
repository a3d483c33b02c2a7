import assert from "node:assert/strict";
import { parseCommandLine } from "../../src/cli/command_line.ts";
import { exitCode } from "../../src/commands/exit_code.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const unit = Deno.readTextFileSync(new URL("../../packaging/chatd.service", import.meta.url));
const setting = (name: string) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value);

Deno.test("the service is started with a command line that chatd understands", () => {
  const [program, ...args] = setting("ExecStart")[0].split(" ");
  assert.equal(program, "/usr/local/bin/chatd");
  const output = { stdout: () => {}, stderr: (text: string) => assert.fail(text), colors: false, width: undefined };
  const invocation = parseCommandLine(args, { env: () => undefined, output });
  assert.ok(typeof invocation === "object");
  assert.equal(invocation.command, "serve");
});

Deno.test("systemd does not restart after an exit code that another start cannot help", () => {
  assert.deepEqual(setting("RestartPreventExitStatus"), [`${exitCode.usage} ${exitCode.refused}`]);
});

Deno.test("systemctl reload sends SIGHUP to the supervisor", () => {
  assert.deepEqual(setting("ExecReload"), ["/bin/kill -HUP $MAINPID"]);
});

Deno.test({
  name: `systemd understands the service${hasSystemd() ? "" : " (SKIPPED: systemd-analyze is not installed)"}`,
  ignore: !hasSystemd(),
  async fn() {
    using folder = temporaryFolder();
    const path = `${folder.path}/chatd.service`;
    Deno.writeTextFileSync(path, unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    const { code, stderr } = await new Deno.Command("systemd-analyze", { args: ["verify", "--man=no", path] }).output();
    assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
  },
});

function hasSystemd(): boolean {
  try {
    const systemd = new Deno.Command("systemd-analyze", { args: ["--version"], stdout: "null", stderr: "null" });
    return systemd.outputSync().success;
  } catch {
    return false;
  }
}
