/**
 * A program that its supervisor takes for a serving process. Asked whether it lives, it "spins" for ever; or it "answers" three
 * times and dies, after a line that is no report. Where another one served before it, it ends in order.
 */
import { readJsonLines } from "../../../src/host/supervisor/supervisor_link.ts";

const [conduct] = Deno.args;
let answers = 0;
for await (const value of readJsonLines(Deno.stdin.readable)) {
  const order = value as { listen?: { again: boolean }; ask?: string };
  if (order.listen !== undefined) {
    console.log("printed by a library");
    console.log(JSON.stringify({ port: 4711 }));
    if (order.listen.again) Deno.exit(0);
  }
  if (order.ask === undefined) continue;
  while (conduct === "spins");
  if (answers === 3) Deno.kill(Deno.pid, "SIGKILL");
  answers += 1;
  console.log(JSON.stringify({ alive: true }));
}
