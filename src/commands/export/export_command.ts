import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { clientTls, clientTlsOptions, serverOption } from "../options/client_tls.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { brokerUrl, path, userName } from "../options/value_parsers.ts";
import type { ExportCommandOptions } from "./run_export.ts";

export const exportCommand: CommandEntry = defineCommand({
  name: "export",
  brief: "Export your own data from a server",
  description:
    "Writes everything that the server stores about a user to a folder: the profile, files, and all messages that the " +
    "user may see. Run the same command again to resume an interrupted export.",
  options: exportOptions,
  load: async () => (await import("./run_export.ts")).runExport,
  exitCodeOf: clientExitCode,
});

function exportOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", ExportCommandOptions, unknown> {
  const main = object({
    user: options.required("--user", userName(), "User whose data to export"),
    out: options.required("--out", path("DIR"), "Folder to create, or folder of an interrupted export"),
    servers: serverOption(options),
    broker: options.optional(
      "--broker",
      brokerUrl({ forPasswords: "put it into CHATD_BROKER" }),
      "URL of a RabbitMQ broker to connect through instead of --server",
    ),
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password on its first line"),
  });
  const all = merge(group("Options", main), group("Encryption", clientTlsOptions(options)));
  return map(all, (parsed) => {
    const { tls, caFile, serverName, certFile, keyFile, ...rest } = parsed;
    return {
      ...rest,
      tls: clientTls(tls, { caFile, serverName, certFile, keyFile }),
      password: env("CHATD_PASSWORD") || undefined,
    };
  });
}
