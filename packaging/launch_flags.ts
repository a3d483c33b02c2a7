/** The flags of `deno run` for each command of the npm package: named permissions, and never all of them. */
import { serverV8Flags } from "../src/host/supervisor/serving_command.ts";

const filesAndNetwork = ["--allow-net", "--allow-read", "--allow-write"];

/** Looked up by the client library of PostgreSQL, for --database. */
const databaseVariables = "PG*,USER,USERNAME";

const server = [
  ...filesAndNetwork,
  `--allow-env=CHATD_*,OTEL_*,BUF_*,npm_command,${databaseVariables}`,
  "--allow-sys=statfs,hostname",
  // The launcher inserts the path of its Deno. Only the supervisor may run it: the serving process cannot start programs.
  "--allow-run={deno}",
  `--v8-flags=${serverV8Flags}`,
];

const client = [
  ...filesAndNetwork,
  "--allow-env=CHATD_*,GRPC_*,BUF_*,grpc_proxy,http_proxy,https_proxy,no_grpc_proxy,no_proxy,npm_command," +
  "HOME,USERPROFILE,XDG_STATE_HOME,NO_COLOR,TERM,TMUX,STY",
  "--allow-sys=hostname",
];

/** For clients on a terminal, which Ctrl-Z stops by kill(1). */
const terminalClient = [...client, "--allow-run=kill"];

const operator = [...filesAndNetwork, `--allow-env=CHATD_*,BUF_*,${databaseVariables}`, "--allow-sys=statfs"];

/**
 * Flags by the first word of a command. Files and addresses are not restricted: they come from options, profiles and
 * configuration files.
 */
export const launchFlags: Readonly<Record<string, readonly string[]>> = {
  "serve": server,
  "grpc-server": server,
  "amqp-server": server,

  "grpc-client": terminalClient,
  "amqp-client": terminalClient,
  "chat": terminalClient,

  "login": client,
  "logout": client,
  "profiles": client,
  "send": client,
  "tail": client,
  "history": client,
  "pins": client,
  "search": client,
  "users": client,
  "rooms": client,
  "devices": client,
  "passwd": client,
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
  "database": operator,
  "node": operator,
  "healthcheck": operator,
  // It reads the limit of open files through sh, and the owner of the data folder.
  "doctor": [
    ...filesAndNetwork,
    `--allow-env=CHATD_*,BUF_*,${databaseVariables}`,
    "--allow-sys=statfs,uid",
    "--allow-run=sh",
  ],
  // It starts servers and a RabbitMQ with the variables of its own process.
  "bench": [...filesAndNetwork, "--allow-env", "--allow-sys=hostname,statfs", "--allow-run"],
};

/** For everything else: help, the version, completion scripts, and mistakes. */
export const standardFlags: readonly string[] = ["--allow-env=CHATD_*"];
