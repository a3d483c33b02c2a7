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
  description: "Chats over gRPC: on a terminal with an input line, from a pipe with a message for each line. " +
    "The password is asked for, or comes from --password-file or CHATD_PASSWORD.",
  options: grpcClientOptions,
  load: async () => (await import("./run_grpc_client.ts")).runGrpcClient,
  exitCodeOf: clientExitCode,
});

function grpcClientOptions(
  options: OptionsWithEnv,
  env: Environment,
): Parser<"sync", GrpcClientOptions, unknown> {
  const main = object({
    user: options.required("--user", userName(), "Who you are, always needed; a new name can be registered"),
    server: serverOption(options),
    to: options.optional("--to", userName(), "Whom to write to: needed when the lines come from a pipe"),
    delivery: options.withDefault("--delivery", choice(["stream", "callback", "auto"]), {
      standard: "stream",
      description: "How messages come: over the own connection, by calls from the server, or as works",
    }),
    consumer: options.withDefault("--consumer", consumerName(), {
      standard: "ui",
      description: "Which of this device's places in the log to go on from",
    }),
    plain: options.flag("--plain", "Line by line, as on a dumb terminal, not on the whole screen"),
    noColor: options.flag("--no-color", "No colours; so does NO_COLOR"),
  });
  const secrets = object({
    passwordFile: options.optional("--password-file", path("FILE"), "File with the password in its first line"),
    invite: options.optional("--invite", words("CODE"), "Invitation to register with"),
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
