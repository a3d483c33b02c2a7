import { group, merge, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { choice } from "@optique/core/valueparser";
import type { ClientTls, GrpcClientOptions } from "../../app/client/client_options.ts";
import type { HostPort } from "../../host/host_port.ts";
import type { Environment } from "../options/environment.ts";
import type { OptionsWithEnv } from "../options/options_with_env.ts";
import { UsageError } from "../options/usage_error.ts";
import { consumerName, hostPort, path, userName, words } from "../options/value_parsers.ts";

export function grpcClientOptions(
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
    group("Encryption", tlsOptions(options)),
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

/** Which server to go to over gRPC. */
export function serverOption(options: OptionsWithEnv): Parser<"sync", HostPort, unknown> {
  return options.withDefault("--server", hostPort({ allowPort0: false }), {
    standard: "127.0.0.1:50051",
    description: "The server",
  });
}

/** How to go there encrypted; {@link clientTls} says what it means. */
export function tlsOptions(options: OptionsWithEnv) {
  return object({
    tls: options.flag("--tls", "Encrypt; implied by the following four"),
    caFile: options.optional("--ca", path("FILE"), "Trust this CA instead of the system's, PEM"),
    serverName: options.optional("--tls-name", words("NAME"), "The name in the server's certificate"),
    certFile: options.optional("--tls-cert", path("FILE"), "Certificate to show to the server, PEM"),
    keyFile: options.optional("--tls-key", path("FILE"), "Its private key, PEM"),
    insecure: options.flag("--insecure", "Send the password beyond this machine without TLS"),
  });
}

/** Undefined when nothing asks for TLS. @throws {UsageError} */
export function clientTls(wanted: boolean, tls: ClientTls): ClientTls | undefined {
  if (tls.certFile !== undefined && tls.keyFile === undefined) throw new UsageError("--tls-cert needs --tls-key.");
  if (tls.keyFile !== undefined && tls.certFile === undefined) throw new UsageError("--tls-key needs --tls-cert.");
  return wanted || Object.values(tls).some((value) => value !== undefined) ? tls : undefined;
}
