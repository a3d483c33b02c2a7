#!/usr/bin/env node
// Carries what is said in one room to another and back: node bridge.mjs '#one' '#two'
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
const [one, two] = process.argv.slice(2);
for (const [from, to] of [[one, two], [two, one]]) {
  const args = ["tail", "--json", "--conversation", from, "--name", `bridge-${from.slice(1)}`];
  const tail = spawn("chatd", args, { stdio: ["ignore", "pipe", "inherit"] });
  createInterface({ input: tail.stdout }).on("line", (line) => {
    const { own, sender, text = "" } = JSON.parse(line); // Empty fields are left out.
    const input = `${sender}: ${text}`;
    if (!own) spawnSync("chatd", ["send", "--to", to], { input, stdio: ["pipe", "inherit", "inherit"] });
  });
}
