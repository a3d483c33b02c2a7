import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { ExportCommandOptions } from "./run_export.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { brokerUrl, path, userName } from "../options/value_parsers.ts";
import { clientTls, serverOption, tlsOptions } from "../chat/grpc_client_command.ts";

export function exportOptions(
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
  const all = merge(group("Options", main), group("Encryption", tlsOptions(options)));
  return map(all, (parsed) => {
    const { tls, caFile, serverName, certFile, keyFile, ...rest } = parsed;
    return {
      ...rest,
      tls: clientTls(tls, { caFile, serverName, certFile, keyFile }),
      password: env("CHATD_PASSWORD") || undefined,
    };
  });
}
