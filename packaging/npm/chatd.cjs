#!/usr/bin/env node
"use strict";
// Starts chatd with the Deno of the package's dependency, and ends as it ends.
const { spawn } = require("node:child_process");
const { realpathSync } = require("node:fs");
const { join } = require("node:path");
const { commands, standard } = require("./launch_flags.json");

const args = process.argv.slice(2);

/** Returns the path of Deno's executable. It needs no install script of the dependency to have run. */
function findDeno() {
  try {
    return realpathSync(require("deno/install_api.cjs").runInstall());
  } catch (error) {
    return fail(`the npm package deno has no executable for this machine: ${error.message}`);
  }
}

function fail(why) {
  console.error(`chatd: ${why}`);
  process.exit(1);
}

const deno = findDeno();
const flags = (Object.hasOwn(commands, args[0]) ? commands[args[0]] : standard)
  // A comma in a path is written twice.
  .map((flag) => flag.replace("{deno}", () => deno.replaceAll(",", ",,")));
// A deno.json in a folder above is none of chatd's.
const chatd = ["run", "--quiet", "--no-prompt", "--no-config", ...flags, join(__dirname, "lib", "main.js")];
const child = spawn(deno, [...chatd, ...args], {
  stdio: "inherit",
  env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" },
});

const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
for (const signal of signals) {
  // Windows tells every process of a console by itself, and would end a process that is told by another.
  process.on(signal, () => process.platform === "win32" || child.kill(signal));
}
child.on("error", (error) => fail(`Deno cannot be started: ${error.message}`));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  for (const each of signals) process.removeAllListeners(each);
  process.kill(process.pid, signal);
});
