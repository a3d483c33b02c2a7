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
  brief: "Take your own data out of a server",
  description:
    "Makes a folder with everything that the server has of a user: profile, conversations with all that the " +
    "user may see, files. An export that was interrupted is gone on with by the same command.",
  options: exportOptions,
  load: async () => (await import("./run_export.ts")).runExport,
  exitCodeOf: clientExitCode,
});

function exportOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", ExportCommandOptions, unknown> {
  const main = object({
    user: options.required("--user", userName(), "Whose data"),
    out: options.required("--out", path("DIR"), "The folder to make, or one that an interrupted export left"),
    server: serverOption(options),
    broker: options.optional(
      "--broker",
      brokerUrl({ forPasswords: "put it into CHATD_BROKER" }),
      "Go over this RabbitMQ, instead of to a server",
    ),
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password in its first line"),
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
