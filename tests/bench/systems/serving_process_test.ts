import assert from "node:assert/strict";
import { servingProcessOf } from "../../../src/bench/systems/serving_process.ts";

/** A shell that starts another one with an argument, and prints the id of that. */
async function parentWithChild(argument: string) {
  const script = 'sh -c "read line" child "$1" <&3 & echo $!; wait';
  const process = new Deno.Command("sh", {
    args: ["-c", `exec 3<&0; ${script}`, "parent", argument],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  return {
    parent: process.pid,
    child: Number(new TextDecoder().decode(value)),
    async [Symbol.asyncDispose]() {
      await process.stdin.close();
      await reader.cancel();
      await process.status;
    },
  };
}

Deno.test("the serving process of a supervisor is its child, and of another process itself", async () => {
  await using supervisor = await parentWithChild("--supervised");
  await using other = await parentWithChild("--verbose");
  assert.equal(await servingProcessOf(supervisor.parent), supervisor.child);
  assert.equal(await servingProcessOf(supervisor.child), supervisor.child);
  assert.equal(await servingProcessOf(other.parent), other.parent);
});
