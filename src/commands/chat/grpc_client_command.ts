import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { choice } from "@optique/core/valueparser";
import type { GrpcClientOptions } from "../../app/client/client_options.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { clientExitCode } from "../exit_code.ts";
import { clientTls, clientTlsOptions, serverOption } from "../options/client_tls.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { consumerName, path, userName, words } from "../options/value_parsers.ts";

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
): Parser<"sync", GrpcClientOptions, unknown> {
  const main = object({
    user: options.required("--user", userName(), "Your user name (required); you can register a new one"),
    server: serverOption(options),
    to: options.optional("--to", userName(), "Recipient; required if the input is a pipe"),
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
    return {
      ...rest,
      tls: clientTls(tls, { caFile, serverName, certFile, keyFile }),
      password: env("CHATD_PASSWORD") || undefined,
    };
  });
}
