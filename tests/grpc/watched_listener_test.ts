import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../support/starved_listener.ts", import.meta.url));

/** Connects, says nothing, and waits for the other side to close. */
async function end(port: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.closeWrite();
  await connection.read(new Uint8Array(1)).catch(() => null);
}

Deno.test("a listener takes connections again after there were no file descriptors for them", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const command = `ulimit -n 60 && exec "$0" run --quiet --no-check --cached-only -A "$1"`;
  const child = new Deno.Command("sh", {
    args: ["-c", command, Deno.execPath(), script],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const connections: Deno.Conn[] = [];
  let said = "";
  const read = async (wanted: () => boolean) => {
    while (!wanted()) {
      const { done, value } = await lines.read();
      assert.ok(!done, `it ended: ${said}`);
      said += value;
    }
  };
  const taken = () => said.match(/taken/g)?.length ?? 0;
  const deadline = setTimeout(() => child.kill("SIGKILL"), 20_000);
  try {
    await read(() => said.includes("\n"));
    const port = Number.parseInt(said);
    for (let count = 0; count < 60; count++) {
      connections.push(await Deno.connect({ hostname: "127.0.0.1", port }));
    }
    await read(() => taken() >= 10);
    for (const connection of connections.splice(0)) connection.close();
    // Ends when it is taken, or when the listener that does not accept it is closed.
    await end(port);
    const before = taken();
    await end(port);
    await read(() => taken() > before);
  } finally {
    clearTimeout(deadline);
    for (const connection of connections) connection.close();
    child.kill("SIGKILL");
    await child.status;
    await lines.cancel();
  }
});
