import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launchFlags } from "../../packaging/launch_flags.ts";
import { unknownVariables } from "../../src/cli/unknown_variables.ts";
import { runChatd } from "../support/processes/chatd_process.ts";

Deno.test("a variable that no command reads is told with the name that was meant", () => {
  const told = unknownVariables(["send"], {
    CHATD_SEVER: "h:1",
    CHATD_XYZZY: "1",
    CHATD_BOGUS: "1",
    CHATD_USR: "",
    HOME: "/",
  });
  assert.deepEqual(told, [
    "The environment variable CHATD_BOGUS has no effect: chatd knows no such variable.",
    "The environment variable CHATD_SEVER has no effect: chatd knows no such variable. Did you mean CHATD_SERVER?",
    "The environment variable CHATD_XYZZY has no effect: chatd knows no such variable.",
  ]);
});

Deno.test("variables of other commands, of bots, and of services in a cluster are not told", () => {
  const known = [
    "CHATD_LISTEN",
    "CHATD_CONFIG",
    "CHATD_PASSWORD",
    "CHATD_GRPC_JS",
    "CHATD_SENDER",
    "CHATD_CRASH_SEED",
    "CHATD_SERVICE_HOST",
    "CHATD_PORT_50051_TCP_ADDR",
  ];
  const set = { ...Object.fromEntries(known.map((name) => [name, "x"])), CHATD_PORT: "tcp://10.0.0.1:50051" };
  assert.deepEqual(unknownVariables(["send"], set), []);
  assert.match(unknownVariables(["send"], { CHATD_PORT: "50051" }).join(), /CHATD_PORT has no effect/);
});

Deno.test("a process that may not list its variables tells those that its launcher lists", async () => {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", "--cached-only", ...launchFlags.profiles, main, "profiles"],
    env: {
      CHATD_PROFIL: "work",
      CHATD_TO: "",
      CHATD_VARIABLES: "CHATD_PROFIL,CHATD_TO,PATH,",
      XDG_STATE_HOME: "/none",
    },
  }).output();
  assert.equal(code, 0);
  assert.equal(
    new TextDecoder().decode(stderr),
    "chatd: The environment variable CHATD_PROFIL has no effect: chatd knows no such variable. Did you mean " +
      "CHATD_PROFILE?\n",
  );
});

Deno.test("a command tells an unknown variable on stderr, once, and runs", async () => {
  const { code, stdout, stderr } = await runChatd({
    args: ["profiles"],
    env: { CHATD_PROFIL: "work", XDG_STATE_HOME: "/nonexistent" },
  });
  assert.deepEqual([code, stdout], [0, ""]);
  assert.equal(stderr.match(/CHATD_PROFIL /g)?.length, 1);
  assert.match(stderr, /Did you mean CHATD_PROFILE\?\n$/);
});
