import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { choice } from "@optique/core/valueparser";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { clientTls, clientTlsOptions } from "../options/client_tls.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { consumerName, path, serverAddresses, userName, words } from "../options/value_parsers.ts";
import { clientProfileOption, recipientOption, requireUser } from "./client_options.ts";
import type { GrpcClientCommandOptions } from "./run_grpc_client.ts";

export const grpcClientCommand: CommandEntry = defineCommand({
  name: "grpc-client",
  brief: "Chat over gRPC",
  description: "Chats over gRPC: interactively on a terminal, or with one message per line from a pipe. " +
    "Asks for the password unless --password-file or CHATD_PASSWORD provides it.",
  options: grpcClientOptions,
  load: async () => (await import("./run_grpc_client.ts")).runGrpcClient,
  exitCodeOf: clientExitCode,
});

function grpcClientOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", GrpcClientCommandOptions, unknown> {
  const main = object({
    profile: clientProfileOption(),
    user: options.optional("--user", userName(), "Your user name, unless a profile has it; you can register a new one"),
    servers: options.optional(
      "--server",
      serverAddresses(),
      "Address of the server, or several, separated by commas, to try in turn; 127.0.0.1:50051 unless given here or in " +
        "the profile",
    ),
    to: recipientOption(options),
    delivery: options.withDefault("--delivery", choice(["stream", "callback", "auto"], { metavar: "MODE" }), {
      standard: "stream",
      description: "How to receive messages: over this client's stream, by server callback, or callback with fallback",
    }),
    consumer: options.withDefault("--consumer", consumerName(), {
      standard: "ui",
      description: "Delivery cursor to resume from",
    }),
    plain: options.flag("--plain", "Use line mode instead of the full screen"),
    noColor: options.flag("--no-color", "Disable colors, like NO_COLOR"),
  });
  const secrets = object({
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password on its first line"),
    invite: options.optional("--invite", words("CODE"), "Invitation code to register with"),
  });
  const all = merge(
    group("Options", main),
    group("Password and registration", secrets),
    group("Encryption", clientTlsOptions(options)),
  );
  return map(all, (parsed) => {
    const { tls, caFile, serverName, certFile, keyFile, ...rest } = parsed;
    requireUser(rest);
    return {
      ...rest,
      tls: clientTls(tls, { caFile, serverName, certFile, keyFile }),
      password: env("CHATD_PASSWORD") || undefined,
    };
  });
}
