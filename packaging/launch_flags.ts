/** The flags of `deno run` with which the npm package starts each command: named permissions, and never all of them. */
import { serverV8Flags } from "../src/app/serving_command.ts";

/** Stands for the path of the Deno that runs chatd; the launcher fills it in. */
export const ownDeno = "{deno}";

const everyFile = ["--allow-net", "--allow-read", "--allow-write"];

const server = [
  ...everyFile,
  "--allow-env=CHATD_*,OTEL_*,BUF_*,npm_command",
  "--allow-sys=statfs",
  // Only to start the serving process, which gets no permission to run anything.
  `--allow-run=${ownDeno}`,
  `--v8-flags=${serverV8Flags}`,
];

const client = [
  ...everyFile,
  "--allow-env=CHATD_*,GRPC_*,BUF_*,grpc_proxy,http_proxy,https_proxy,no_grpc_proxy,no_proxy,npm_command," +
  "HOME,USERPROFILE,XDG_STATE_HOME,NO_COLOR,TERM",
  "--allow-sys=hostname",
];

/** A client on a terminal, which Ctrl-Z stops through kill(1). */
const terminalClient = [...client, "--allow-run=kill"];

const operator = [...everyFile, "--allow-env=CHATD_*,BUF_*", "--allow-sys=statfs"];

/** By the first word of a command. Files and addresses come from options, profiles and configuration files, so none are named. */
export const launchFlags: Readonly<Record<string, readonly string[]>> = {
  "serve": server,
  "grpc-server": server,
  "amqp-server": server,

  "grpc-client": terminalClient,
  "amqp-client": terminalClient,

  "login": client,
  "logout": client,
  "profiles": client,
  "send": client,
  "tail": client,
  "history": client,
  "search": client,
  "users": client,
  "rooms": client,
  "export": client,
  // It runs the command of --exec.
  "bot": [...client, "--allow-run"],

  "user": operator,
  "room": operator,
  "retention": operator,
  "audit": operator,
  "backup": operator,
  "restore": operator,
  "broker-config": operator,
  "healthcheck": operator,
  // It asks sh for the limit of open files, and whose the data folder is.
  "doctor": [...everyFile, "--allow-env=CHATD_*,BUF_*", "--allow-sys=statfs,uid", "--allow-run=sh"],
  // It starts servers and a RabbitMQ with the variables of its own process.
  "bench": [...everyFile, "--allow-env", "--allow-sys=hostname,statfs", "--allow-run"],
};

/** For everything else: help, the version, completion scripts, and mistakes. */
export const standardFlags: readonly string[] = ["--allow-env=CHATD_*"];
