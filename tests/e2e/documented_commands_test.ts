/** Commands in documents that are marked to be run, in a folder of their own, one block after the other. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { documents, type ShellBlock, shellBlocks } from "../support/checks/documents.ts";
import { temporaryFolder } from "../support/checks/temporary_folder.ts";

const entry = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** Runs until it is told to stop. */
const serves = /^chatd (serve|grpc-server)\b(?!.*--check-config)/m;

/** Makes a folder in which `chatd` is a command, and nothing is as it is for whoever runs the tests. */
function prepare(folder: string): Record<string, string> {
  for (const name of ["bin", "home", "work"]) Deno.mkdirSync(`${folder}/${name}`);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `127.0.0.1:${listener.addr.port}`;
  // In place of the standard port, which somebody may use. Commands with a profile take no other address beside it.
  const shim = [
    "#!/bin/sh",
    `case $1 in serve | grpc-server) export CHATD_LISTEN=${address} ;;`,
    `grpc-client | login | export) export CHATD_SERVER=${address} ;; esac`,
    `exec "${Deno.execPath()}" run --quiet --no-prompt --no-check --cached-only -A "${entry}" "$@"`,
  ];
  Deno.writeTextFileSync(`${folder}/bin/chatd`, `${shim.join("\n")}\n`, { mode: 0o755 });
  const cache = Deno.env.get("DENO_DIR") ??
    `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;
  return {
    PATH: `${folder}/bin:${Deno.env.get("PATH")}`,
    HOME: `${folder}/home`,
    DENO_DIR: cache,
    NO_COLOR: "1",
  };
}

interface Running {
  stop(): Promise<void>;
}

async function startServer(block: ShellBlock, options: Deno.CommandOptions): Promise<Running> {
  const args = ["-c", `exec ${block.script.trim()}`];
  const server = new Deno.Command("bash", { ...options, args, stdout: "piped", stderr: "piped" }).spawn();
  const errors = new Response(server.stderr).text();
  const output = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let greeting = ""; !greeting.includes("another terminal");) {
    const { value, done } = await output.read();
    assert.ok(!done, `${block.place}: the server ended: ${done ? await errors : ""}`);
    greeting += value;
  }
  return {
    stop: async () => {
      server.kill("SIGINT");
      await output.cancel();
      assert.equal((await server.status).code, 0, await errors);
    },
  };
}

async function runBlocks(blocks: readonly ShellBlock[]): Promise<void> {
  using folder = temporaryFolder();
  const options = { cwd: `${folder.path}/work`, clearEnv: true, env: prepare(folder.path) };
  let server: Running | undefined;
  try {
    for (const block of blocks) {
      if (serves.test(block.script)) {
        await server?.stop();
        server = undefined;
        server = await startServer(block, options);
        continue;
      }
      const args = ["-euo", "pipefail", "-c", block.script];
      const { code, stdout, stderr } = await new Deno.Command("bash", { ...options, args, stdin: "null" }).output();
      const said = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
      assert.equal(code, 0, `${block.place}:\n${block.script}\n${said}`);
    }
  } finally {
    await server?.stop();
  }
}

for (const document of documents()) {
  const blocks = shellBlocks(document).filter(({ isRun }) => isRun);
  if (blocks.length > 0) {
    Deno.test(`the commands of ${document} that are marked to be run do what they should`, () => runBlocks(blocks));
  }
}

Deno.test("commands that no test can run say so", () => {
  const unrunnable = /^(sudo|docker|systemctl|curl|certbot)\b/m;
  const silent = documents().flatMap(shellBlocks)
    .filter(({ script, isRun }) => unrunnable.test(script) && (isRun || !/^# Not run by the tests: ./m.test(script)));
  assert.deepEqual(silent, []);
});
