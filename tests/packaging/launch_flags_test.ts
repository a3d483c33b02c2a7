import assert from "node:assert/strict";
import { commandPages } from "../../packaging/command_pages.ts";
import { launchFlags, standardFlags } from "../../packaging/launch_flags.ts";

const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));

/** Returns the value of a flag in a task or in a list of flags, such as "CHATD_*,OTEL_*" for --allow-env. */
function valueOf(flag: string, flags: string | readonly string[]): string | undefined {
  const words = typeof flags === "string" ? flags.split(" ") : flags;
  return words.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

/** Returns the commands whose flags satisfy a condition. */
function commandsWith(predicate: (flags: readonly string[]) => boolean): string[] {
  return Object.entries(launchFlags).filter(([, flags]) => predicate(flags)).map(([name]) => name).toSorted();
}

Deno.test("exactly the commands of the command table have flags in the npm package", () => {
  const names = commandPages().filter(({ path }) => path.length === 1).map(({ path }) => path[0]);
  assert.deepEqual(Object.keys(launchFlags).toSorted(), names.toSorted());
});

Deno.test("the npm package grants no command all permissions", () => {
  const kinds = /^--(allow-(net|read|write|env|run|sys)(=.+)?|v8-flags=.+)$/;
  for (const flag of [...Object.values(launchFlags).flat(), ...standardFlags]) assert.match(flag, kinds);
  assert.deepEqual(commandsWith((flags) => flags.includes("--allow-sys")), []);
});

Deno.test("in the npm package, only bot and bench may run any program, and only bench reads all variables", () => {
  assert.deepEqual(commandsWith((flags) => flags.includes("--allow-run")), ["bench", "bot"]);
  assert.deepEqual(commandsWith((flags) => flags.includes("--allow-env")), ["bench"]);
  const servers = ["amqp-server", "grpc-server", "serve"];
  assert.deepEqual(commandsWith((flags) => valueOf("--allow-run", flags) === "{deno}"), servers);
  assert.deepEqual(commandsWith((flags) => valueOf("--v8-flags", flags) !== undefined), servers);
});

Deno.test("commands read the same variables in the npm package as by deno task", () => {
  for (const [command, task] of [["serve", "start"], ["grpc-client", "chat"], ["send", "script"]]) {
    assert.equal(valueOf("--allow-env", launchFlags[command]), valueOf("--allow-env", tasks[task]), command);
  }
});
