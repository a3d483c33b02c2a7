import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { GrpcServerOptions } from "../../app/server_options.ts";
import { type CommandEntry, defineCommand } from "../command.ts";
import { serverExitCode } from "../exit_code.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { serverTls, serverTlsOptions } from "../options/server_tls.ts";
import { hostPort } from "../options/value_parsers.ts";
import { serverAction } from "./server_action.ts";
import { limitOptions, serverOptions } from "./server_options.ts";

export const grpcServerCommand: CommandEntry = defineCommand({
  name: "grpc-server",
  brief: "Serve the chat over gRPC only",
  description: "Serves the chat over gRPC. The data folder holds accounts and messages, and belongs to one server. " +
    "SIGINT or SIGTERM stops the server within seconds, a second one at once; SIGHUP reloads it.",
  options: grpcServerOptions,
  load: async () => serverAction((await import("../../app/grpc_server.ts")).runGrpcServer),
  exitCodeOf: serverExitCode,
  serves: true,
  readsConfig: true,
});

function grpcServerOptions(options: OptionsWithEnv): Parser<"sync", GrpcServerOptions, unknown> {
  const main = object({ ...listenOptions(options), ...serverOptions(options) });
  const tls = object({
    ...serverTlsOptions(options),
    insecure: options.section("grpc").flag("--insecure", "Allow connections beyond this machine without TLS"),
  });
  const all = merge(group("Options", main), group("Limits", limitOptions(options)), group("Encryption", tls));
  return map(all, ({ certFile, keyFile, clientCaFile, ...rest }) => {
    return { ...rest, tls: serverTls({ certFile, keyFile, clientCaFile }) };
  });
}

export function listenOptions(options: OptionsWithEnv) {
  const settings = options.section("grpc");
  return {
    listen: settings.withDefault("--listen", hostPort({ allowPort0: true }), {
      standard: "127.0.0.1:50051",
      description: "Address to listen on; port 0 picks a free port",
    }),
    callback: settings.onUnlessNegated(
      "--callback",
      "Deliver by callback to clients that request it; disable behind a proxy",
    ),
  };
}
