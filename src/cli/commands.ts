import type { Parser } from "@optique/core/parser";
import { auditCommand } from "../commands/audit/audit_command.ts";
import { devicesCommand, passwdCommand } from "../commands/account/account_commands.ts";
import { backupCommand, restoreCommand } from "../commands/backup/backup_commands.ts";
import { benchCommand } from "../commands/bench/bench_command.ts";
import { botCommand } from "../commands/bot/bot_command.ts";
import { brokerConfigCommand } from "../commands/broker_config/broker_config_command.ts";
import { amqpClientCommand } from "../commands/chat/amqp_client_command.ts";
import { chatCommand } from "../commands/chat/chat_command.ts";
import { grpcClientCommand } from "../commands/chat/grpc_client_command.ts";
import { anyOf, type CommandEntry, type Invocation } from "../commands/command.ts";
import { databaseCommand } from "../commands/database/database_commands.ts";
import { doctorCommand } from "../commands/doctor/doctor_command.ts";
import { exportCommand } from "../commands/export/export_command.ts";
import { healthcheckCommand } from "../commands/healthcheck/healthcheck_command.ts";
import { historyCommand, searchCommand, usersCommand } from "../commands/lists/list_commands.ts";
import { loginCommand, logoutCommand, profilesCommand } from "../commands/login/login_commands.ts";
import { pinsCommand } from "../commands/lists/pins_commands.ts";
import { nodeCommand } from "../commands/node/node_commands.ts";
import type { ConfigSettings } from "../commands/options/config_settings.ts";
import type { Environment } from "../commands/options/environment.ts";
import { OptionsWithEnv } from "../commands/options/options_with_env.ts";
import { retentionCommand } from "../commands/retention/retention_commands.ts";
import { roomsCommand } from "../commands/lists/rooms_commands.ts";
import { roomCommand } from "../commands/room/room_commands.ts";
import { sendCommand } from "../commands/send/send_command.ts";
import { amqpServerCommand } from "../commands/serve/amqp_server_command.ts";
import { grpcServerCommand } from "../commands/serve/grpc_server_command.ts";
import { serveCommand } from "../commands/serve/serve_command.ts";
import { tailCommand } from "../commands/tail/tail_command.ts";
import { userCommand } from "../commands/user/user_commands.ts";

/** All commands of chatd, in the order of its help. */
export const commandTable: readonly CommandEntry[] = [
  chatCommand,
  serveCommand,
  grpcServerCommand,
  grpcClientCommand,
  amqpServerCommand,
  amqpClientCommand,
  brokerConfigCommand,
  databaseCommand,
  nodeCommand,
  doctorCommand,
  healthcheckCommand,
  userCommand,
  auditCommand,
  loginCommand,
  logoutCommand,
  profilesCommand,
  devicesCommand,
  passwdCommand,
  sendCommand,
  tailCommand,
  botCommand,
  historyCommand,
  pinsCommand,
  searchCommand,
  usersCommand,
  roomsCommand,
  backupCommand,
  restoreCommand,
  exportCommand,
  roomCommand,
  retentionCommand,
  benchCommand,
];

export interface CommandsOptions {
  /** Options of servers may also come from them. */
  readonly settings?: ConfigSettings;
  /** The first word of the command line: if it is a command, the others get no parser. */
  readonly only?: string;
  /** Collects the environment variables of all options. */
  readonly variables?: Set<string>;
}

/** Creates the parser of command lines. */
export function commands(
  env: Environment,
  { settings, only, variables }: CommandsOptions = {},
): Parser<"sync", Invocation, unknown> {
  const asked = commandTable.filter(({ word }) => word === only);
  return anyOf(asked.length > 0 ? asked : commandTable, new OptionsWithEnv(env, { settings, variables }), env);
}
