/** A chatd server with its supervisor, which waits a few seconds for a sign of life instead of a minute. */
import { fileURLToPath } from "node:url";
import { openServerLog } from "../../../src/host/logging/server_log.ts";
import { StartFiles } from "../../../src/host/supervisor/start_files.ts";
import { supervise } from "../../../src/host/supervisor/supervisor.ts";

const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const [command, ...options] = Deno.args;
const running = (option: string) => ({
  program: Deno.execPath(),
  args: ["run", "-A", "--no-check", main, command, option, ...options],
});
const log = openServerLog({ level: "info", format: "json" });
const code = await supervise({
  command: running("--supervised"),
  check: running("--check-config"),
  startFiles: new StartFiles([]),
  port: 0,
  log,
  heartbeat: { intervalMs: 100, limitMs: 3_000 },
  onListening: ({ port }) => console.log(`listens on 127.0.0.1:${port}`),
});
await log.flush();
Deno.exit(code);
