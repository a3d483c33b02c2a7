import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ProcessGroups } from "../.ci/process_groups.ts";
import { processesWith } from "./support/processes/marked_processes.ts";
import { eventually } from "./support/waiting/eventually.ts";

const starter = fileURLToPath(new URL("support/processes/group_starter.ts", import.meta.url));

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

for (const signal of ["SIGTERM", "SIGINT", "SIGKILL"] as const) {
  Deno.test({
    name: `the processes of a program that ${signal} ends have ended too, and its temporary files are gone`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      const marker = `TEST_MARKER=${crypto.randomUUID()}`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", "--no-check", starter],
        env: { TEST_MARKER: marker.slice(12) },
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      let said = "";
      const reading = (async () => {
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) said += text;
      })();
      // The program, its guard, two shells, and two processes of each.
      await eventually(
        () => /started in/.test(said) && processesWith(marker).length === 8,
        () => `8 processes: ${said}`,
      );
      const folder = /started in (.*)/.exec(said)![1];
      assert.ok(exists(folder));
      child.kill(signal);
      await Promise.all([child.status, reading]);
      await eventually(() => processesWith(marker).length === 0, () => `${processesWith(marker)} have ended`);
      assert.ok(!exists(folder), folder);
    },
  });
}

Deno.test("processes that the leader of a group leaves behind end with it", async () => {
  await using groups = new ProcessGroups();
  const child = await groups.spawn("/bin/sh", {
    args: ["-c", "sleep 1000 &"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  });
  const output = child.stdout.getReader();
  assert.ok((await child.status).success);
  assert.ok((await output.read()).done, "the last process with the other end of the pipe has ended");
});

Deno.test("the disposal of process groups ends all processes and removes their folder", async () => {
  let [folder, status] = ["", Promise.resolve<Deno.CommandStatus | undefined>(undefined)];
  {
    await using groups = new ProcessGroups();
    folder = groups.folder;
    status = (await groups.spawn("/bin/sleep", { args: ["1000"], stdin: "null" })).status;
  }
  assert.equal((await status)?.signal, "SIGKILL");
  assert.ok(!exists(folder));
});
