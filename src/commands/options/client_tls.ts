import { object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { ClientTls } from "../../app/client/client_options.ts";
import type { HostPort } from "../../host/host_port.ts";
import type { OptionsWithEnv } from "./options_with_env.ts";
import { UsageError } from "./usage_error.ts";
import { hostPort, path, words } from "./value_parsers.ts";

/** The option for the address of a gRPC server. */
export function serverOption(options: OptionsWithEnv): Parser<"sync", HostPort, unknown> {
  return options.withDefault("--server", hostPort({ allowPort0: false }), {
    standard: "127.0.0.1:50051",
    description: "Address of the server",
  });
}

/** The options of a client's TLS; {@link clientTls} combines them. */
export function clientTlsOptions(options: OptionsWithEnv) {
  return object({
    tls: options.flag("--tls", "Use TLS; implied by the following four"),
    caFile: options.optional("--ca", path("FILE"), "CA to trust instead of the system's, PEM"),
    serverName: options.optional("--tls-name", words("NAME"), "Name in the server's certificate"),
    certFile: options.optional("--tls-cert", path("FILE"), "Client certificate, PEM"),
    keyFile: options.optional("--tls-key", path("FILE"), "Private key of the client certificate, PEM"),
    insecure: options.flag("--insecure", "Allow sending the password beyond this machine without TLS"),
  });
}

/** Returns undefined unless an option asks for TLS. @throws {UsageError} */
export function clientTls(wanted: boolean, tls: ClientTls): ClientTls | undefined {
  if (tls.certFile !== undefined && tls.keyFile === undefined) throw new UsageError("--tls-cert needs --tls-key.");
  if (tls.keyFile !== undefined && tls.certFile === undefined) throw new UsageError("--tls-key needs --tls-cert.");
  return wanted || Object.values(tls).some((value) => value !== undefined) ? tls : undefined;
}
