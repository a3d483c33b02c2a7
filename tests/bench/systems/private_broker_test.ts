import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findServer, PrivateBroker } from "../../../src/bench/systems/private_broker.ts";
import { ChatError } from "../../../src/core/chat_error.ts";
import { eventually } from "../../support/waiting/eventually.ts";

const owner = fileURLToPath(new URL("./broker_owner.ts", import.meta.url));

/** Returns the names of all processes whose environment names a folder. */
function processesOf(folder: string): string[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
      return environment.includes(`HOME=${folder}/home`) ? [Deno.readTextFileSync(`/proc/${name}/comm`).trim()] : [];
    } catch {
      return [];
    }
  });
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("findServer() names the package to install", () => {
  assert.throws(
    () => findServer(["/nonexistent/rabbitmq-server"]),
    (error) => error instanceof ChatError && error.code === "unavailable" && /apt-get install/.test(error.message),
  );
});

Deno.test("disposing of a private broker ends all its processes, epmd included", async () => {
  const broker = await PrivateBroker.start();
  const folder = /home dir\s+: (\S+)\/home/.exec(broker.log)![1];
  const processes = processesOf(folder);
  await broker[Symbol.asyncDispose]();
  assert.ok(processes.includes("epmd") && processes.includes("beam.smp"), processes.join());
  await eventually(() => processesOf(folder).length === 0, () => processesOf(folder).join());
  assert.ok(!exists(folder));
});

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  Deno.test(`a private broker ends and its folder is removed when ${signal} ends the process that started it`, async () => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "--cached-only", "-A", owner],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value = "" } = await output.read();
    const { folder } = JSON.parse(value);
    assert.ok(processesOf(folder).includes("beam.smp"));
    child.kill(signal);
    await child.status;
    await output.cancel();
    await eventually(() => processesOf(folder).length === 0, () => processesOf(folder).join());
    await eventually(() => !exists(folder));
  });
}
