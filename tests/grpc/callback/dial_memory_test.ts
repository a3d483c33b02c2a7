import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** A socket of `node:tls` that was refused kept 8 KiB; the rest is noise. */
const mostBytes = 1_024;

Deno.test("a dial that fails leaves nothing in memory, whatever was at the port", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "--v8-flags=--expose-gc",
      fileURLToPath(new URL("./dial_memory.ts", import.meta.url)),
    ],
  }).output();
  const [said, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.notEqual(said, "", error);
  const growth: Record<string, number> = JSON.parse(said);
  assert.deepEqual(Object.entries(growth).filter(([, bytes]) => bytes > mostBytes), []);
});
