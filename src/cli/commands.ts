import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { dataCommands } from "./data_commands.ts";
import type { Environment } from "../commands/options/environment.ts";
import { clientExitCode, serverExitCode } from "../commands/exit_code.ts";
import type { ConfigSettings } from "../commands/options/config_settings.ts";
import { anyOf, type CommandEntry, defineCommand, defineGroup, type Invocation } from "../commands/command.ts";
import { amqpClientOptions } from "../commands/chat/amqp_client_command.ts";
import { amqpServerOptions } from "../commands/serve/amqp_server_command.ts";
import { auditOptions } from "../commands/audit/audit_command.ts";
import { benchOptions } from "../commands/bench/bench_command.ts";
import { brokerConfigOptions } from "../commands/broker_config/broker_config_command.ts";
import { dataFolder } from "../commands/options/data_folder.ts";
import { doctorOptions } from "../commands/doctor/doctor_command.ts";
import { grpcClientOptions } from "../commands/chat/grpc_client_command.ts";
import { grpcServerOptions } from "../commands/serve/grpc_server_command.ts";
import { serveOptions } from "../commands/serve/serve_command.ts";
import {
  userDeleteOptions,
  userInviteOptions,
  userListOptions,
  userOptions,
  userPasswordOptions,
} from "../commands/user/user_commands.ts";
import { OptionsWithEnv } from "../commands/options/options_with_env.ts";
import { scriptCommands } from "./script_commands.ts";

/**
 * Understands everything that chatd can be told to do. What servers are told can be in `settings` too.
 * @param only the first word of the command line: where it is a command, nothing is made for the others.
 */
export function commands(
  env: Environment,
  settings: ConfigSettings,
  only?: string,
): Parser<"sync", Invocation, unknown> {
  const entries = commandEntries(new OptionsWithEnv(env, settings), env);
  const asked = entries.filter(({ word }) => word === only);
  return anyOf(asked.length > 0 ? asked : entries);
}

function commandEntries(options: OptionsWithEnv, env: Environment): readonly CommandEntry[] {
  const serve = defineCommand({
    name: "serve",
    brief: "Serve the chat: over gRPC, and over RabbitMQ where a broker is given",
    description:
      "Serves one chat over gRPC and, with --broker, over RabbitMQ too: who is on one talks to who is on the " +
      "other. The broker may be away when the server starts, and may go and come back. Accounts and messages are in the " +
      "data folder, which one server owns. SIGINT and SIGTERM end it within seconds, a second one at once; SIGHUP reloads it.",
    options: () => serveOptions(options),
    load: async () => (await import("../app/serve.ts")).runServe,
    exitCodeOf: serverExitCode,
    serves: true,
  });
  const grpcServer = defineCommand({
    name: "grpc-server",
    brief: "Serve the chat over gRPC alone",
    description: "Serves the chat over gRPC. Accounts and messages are in the data folder, which one server owns. " +
      "SIGINT and SIGTERM end it within seconds, a second one at once; SIGHUP reloads it.",
    options: () => grpcServerOptions(options),
    load: async () => (await import("../app/grpc_server.ts")).runGrpcServer,
    exitCodeOf: serverExitCode,
    serves: true,
  });
  const grpcClient = defineCommand({
    name: "grpc-client",
    brief: "Chat over gRPC",
    description: "Chats over gRPC: on a terminal with an input line, from a pipe with a message for each line. " +
      "The password is asked for, or comes from --password-file or CHATD_PASSWORD.",
    options: () => grpcClientOptions(options, env),
    load: async () => (await import("../commands/chat/run_grpc_client.ts")).runGrpcClient,
    exitCodeOf: clientExitCode,
  });
  const amqpServer = defineCommand({
    name: "amqp-server",
    brief: "Serve the chat over RabbitMQ alone",
    description:
      "Serves the chat over RabbitMQ, which asks it who may do what. Accounts and messages are in the data folder, " +
      "which one server owns. SIGINT and SIGTERM end it within seconds, a second one at once; SIGHUP reloads it.",
    options: () => amqpServerOptions(options),
    load: async () => (await import("../app/amqp_server.ts")).runAmqpServer,
    exitCodeOf: serverExitCode,
    serves: true,
  });
  const amqpClient = defineCommand({
    name: "amqp-client",
    brief: "Chat over RabbitMQ",
    description: "Chats over RabbitMQ: on a terminal with an input line, from a pipe with a message for each line. " +
      "The password is asked for, or comes from --password-file or CHATD_PASSWORD.",
    options: () => amqpClientOptions(options, env),
    load: async () => (await import("../commands/chat/run_amqp_client.ts")).runAmqpClient,
    exitCodeOf: clientExitCode,
  });
  const brokerConfig = defineCommand({
    name: "broker-config",
    brief: "Print how RabbitMQ must be set up",
    description:
      "Prints the rabbitmq.conf that makes RabbitMQ ask chatd who may do what, with the secrets in it, and what " +
      "else to do. Secrets that are missing in the data folder are made.",
    options: () => brokerConfigOptions(options),
    load: async () => (await import("../commands/broker_config/run_broker_config.ts")).runBrokerConfig,
  });
  const doctor = defineCommand({
    name: "doctor",
    brief: "Check the whole set-up, and say what to fix",
    description:
      "Checks step by step the configuration file, the data folder and its database, the disk, the certificate, and whether " +
      "the server answers and is of this version; with --broker, also whether RabbitMQ is there, is set up for chatd, asks it " +
      "who may do what, and locks clients in. Takes the options of the server, from the command line or its configuration " +
      "file. Ends with 1 when there is something to fix, and with 4 when no broker is there.",
    options: () => doctorOptions(options),
    load: async () => (await import("../commands/doctor/run_doctor.ts")).runDoctor,
    exitCodeOf: clientExitCode,
  });
  const healthcheck = defineCommand({
    name: "healthcheck",
    brief: "Ask the server of a data folder whether it answers",
    description:
      "Asks the running server over the socket in its data folder, and ends with 0 when it answers, else with " +
      "1: for the health checks of containers.",
    options: () => map(dataFolder(options), (dataDir) => ({ dataDir })),
    load: async () => (await import("../commands/healthcheck/run_healthcheck.ts")).runHealthcheck,
  });
  const audit = defineCommand({
    name: "audit",
    brief: "List what happened to accounts and rooms",
    description:
      "Lists logins, failed ones too, and what was done to accounts, devices and rooms, oldest first: the time, " +
      "who (- for a stranger), what, to whom, from where and more, separated by tabs. Works through the server when it " +
      "runs, and directly when not. The newest 100,000 notes are kept.",
    options: () => auditOptions(options),
    load: async () => (await import("../commands/audit/run_audit.ts")).showAudit,
  });
  const bench = defineCommand({
    name: "bench",
    brief: "Measure how much chatd carries here, and how fast",
    description:
      "Drives servers as real clients do, over gRPC and RabbitMQ, and beside them what their libraries can do without a " +
      "chat: the limit of the same work. Starts a server on a temporary folder for each run, or measures one that runs. Ends " +
      "with 1 when something could not be measured.",
    options: () => benchOptions(options),
    load: async () => (await import("../bench/run_bench.ts")).runBench,
    exitCodeOf: clientExitCode,
  });
  const user = defineGroup({
    word: "user",
    brief: "Add, list and disable users, also while the server runs",
    description: "Works on the server's data folder: through the server when it runs, and directly when not.",
    entries: userCommands(options, env),
  });
  return [
    serve,
    grpcServer,
    grpcClient,
    amqpServer,
    amqpClient,
    brokerConfig,
    doctor,
    healthcheck,
    user,
    audit,
    ...scriptCommands(options, env),
    ...dataCommands(options, env),
    bench,
  ];
}

function userCommands(options: OptionsWithEnv, env: Environment): readonly CommandEntry[] {
  return [
    defineCommand({
      name: "user add",
      brief: "Add a user, whatever --registration says",
      description: "Adds a user. The password is asked for twice, or comes from --password-file or CHATD_PASSWORD.",
      options: () => userPasswordOptions(options, env),
      load: async () => (await import("../commands/user/run_user.ts")).addUser,
    }),
    defineCommand({
      name: "user list",
      brief: "List all users",
      description: "Lists all users: the name, since when, and whether the account is disabled, separated by tabs.",
      options: () => userListOptions(options),
      load: async () => (await import("../commands/user/run_user.ts")).listUsers,
    }),
    defineCommand({
      name: "user passwd",
      brief: "Set another password, and log out all devices",
      description: "Sets another password, and logs the user out on all devices. The password is asked for twice, or " +
        "comes from --password-file or CHATD_PASSWORD.",
      options: () => userPasswordOptions(options, env),
      load: async () => (await import("../commands/user/run_user.ts")).setPassword,
    }),
    defineCommand({
      name: "user disable",
      brief: "Log a user out, and keep them out",
      description: "Logs the user out on all devices, ends live sessions at once, and refuses to log in again. " +
        "Messages stay.",
      options: () => userOptions(options),
      load: async () => (await import("../commands/user/run_user.ts")).disableUser,
    }),
    defineCommand({
      name: "user enable",
      brief: "Let a disabled user in again",
      description: "Lets a disabled user log in again, with the password as it was.",
      options: () => userOptions(options),
      load: async () => (await import("../commands/user/run_user.ts")).enableUser,
    }),
    defineCommand({
      name: "user delete",
      brief: "Delete an account for ever",
      description:
        "Takes a user out of all rooms, logs them out for ever, and keeps the name from being used again. Their " +
        "messages stay, from a made-up name, or are erased.",
      options: () => userDeleteOptions(options),
      load: async () => (await import("../commands/user/run_user.ts")).deleteUser,
    }),
    defineCommand({
      name: "user invite",
      brief: "Make a code that registers one user",
      description: "Prints a code with which one person can register, once, where --registration is invite.",
      options: () => userInviteOptions(options),
      load: async () => (await import("../commands/user/run_user.ts")).inviteUser,
    }),
  ];
}
