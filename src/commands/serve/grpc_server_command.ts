import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import type { GrpcServerOptions, ServerTls } from "../../app/server_options.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { UsageError } from "../options/usage_error.ts";
import { hostPort, path } from "../options/value_parsers.ts";
import { limitOptions, serverOptions } from "./server_options.ts";

export function grpcServerOptions(options: OptionsWithEnv): Parser<"sync", GrpcServerOptions, unknown> {
  const main = object({ ...listenOptions(options), ...serverOptions(options) });
  const tls = object({
    ...tlsOptions(options),
    insecure: options.section("grpc").flag("--insecure", "Listen beyond this machine without TLS"),
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
      description: "Where to listen; port 0 takes a free one",
    }),
    callback: settings.onUnlessNegated("--callback", "Call clients back that ask for it; say no behind a proxy"),
  };
}

export function tlsOptions(options: OptionsWithEnv) {
  const settings = options.section("grpc");
  return {
    certFile: settings.optional("--tls-cert", path("FILE"), "The server's certificate and its chain, PEM"),
    keyFile: settings.optional("--tls-key", path("FILE"), "Its private key, PEM"),
    clientCaFile: settings.optional(
      "--tls-client-ca",
      path("FILE"),
      "Take only clients with a certificate of this CA",
    ),
  };
}

/** @throws {UsageError} when something is missing */
export function serverTls({ certFile, keyFile, clientCaFile }: Partial<ServerTls>): ServerTls | undefined {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile };
  if (certFile !== undefined) throw new UsageError("--tls-cert needs --tls-key, the private key of the certificate.");
  if (keyFile !== undefined) throw new UsageError("--tls-key needs --tls-cert, the certificate of the key.");
  if (clientCaFile === undefined) return undefined;
  throw new UsageError("--tls-client-ca needs --tls-cert and --tls-key: clients show certificates only over TLS.");
}
