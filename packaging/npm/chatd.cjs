#!/usr/bin/env node
"use strict";
// Runs chatd with the Deno that the package depends on, and ends with its exit code or signal.
const { spawn } = require("node:child_process");
const { realpathSync } = require("node:fs");
const { join } = require("node:path");
const { commands, standard } = require("./launch_flags.json");

const args = process.argv.slice(2);

/** Returns the path of Deno's executable, even when the install script of the dependency did not run. */
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
// Alone, the program opens the chat of a saved profile.
const command = args[0] ?? "chat";
const flags = (Object.hasOwn(commands, command) ? commands[command] : standard)
  // Deno reads two commas as one comma in a path.
  .map((flag) => flag.replace("{deno}", () => deno.replaceAll(",", ",,")));
// Without --no-config, Deno would read a deno.json of a folder above.
const chatd = ["run", "--quiet", "--no-prompt", "--no-config", ...flags, join(__dirname, "lib", "main.js")];
// Deno lets chatd read its variables, but not list them.
const variables = Object.keys(process.env).filter((name) => name.startsWith("CHATD_"));
const child = spawn(deno, [...chatd, ...args], {
  stdio: "inherit",
  env: { ...process.env, CHATD_VARIABLES: variables.join(), DENO_NO_UPDATE_CHECK: "1" },
});

const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
for (const signal of signals) {
  // Windows signals every process of a console itself, and kill() would end the child at once.
  process.on(signal, () => process.platform === "win32" || child.kill(signal));
}
child.on("error", (error) => fail(`Deno cannot be started: ${error.message}`));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  for (const each of signals) process.removeAllListeners(each);
  process.kill(process.pid, signal);
});
