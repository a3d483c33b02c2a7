import { object } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { ClientTls } from "../../app/client/client_options.ts";
import type { HostPorts } from "../../host/host_port.ts";
import type { OptionsWithEnv } from "./options_with_env.ts";
import { UsageError } from "./usage_error.ts";
import { path, serverAddresses, words } from "./value_parsers.ts";

/** The option for the address of a gRPC server, or the addresses of several. */
export function serverOption(options: OptionsWithEnv): Parser<"sync", HostPorts, unknown> {
  return options.withDefault("--server", serverAddresses(), {
    standard: "127.0.0.1:50051",
    description: "Address of the server; several, separated by commas, are tried in turn",
  });
}

const descriptions = {
  tls: "Use TLS; implied by the following four",
  caFile: "CA to trust instead of the system's, PEM",
  serverName: "Name in the server's certificate",
  certFile: "Client certificate, PEM",
  keyFile: "Private key of the client certificate, PEM",
  insecure: "Allow sending the password beyond this machine without TLS",
} as const;

/** The options of a client's TLS; {@link clientTls} combines them. */
export function clientTlsOptions(options: OptionsWithEnv) {
  return object({
    tls: options.flag("--tls", descriptions.tls),
    caFile: options.optional("--ca", path("FILE"), descriptions.caFile),
    serverName: options.optional("--tls-name", words("NAME"), descriptions.serverName),
    certFile: options.optional("--tls-cert", path("FILE"), descriptions.certFile),
    keyFile: options.optional("--tls-key", path("FILE"), descriptions.keyFile),
    insecure: options.flag("--insecure", descriptions.insecure),
  });
}

/** Like {@link clientTlsOptions}, for commands with a profile. */
export function sourcedTlsOptions(options: OptionsWithEnv) {
  return object({
    tls: options.sourcedFlag("--tls", descriptions.tls),
    caFile: options.sourced("--ca", path("FILE"), descriptions.caFile),
    serverName: options.sourced("--tls-name", words("NAME"), descriptions.serverName),
    certFile: options.sourced("--tls-cert", path("FILE"), descriptions.certFile),
    keyFile: options.sourced("--tls-key", path("FILE"), descriptions.keyFile),
    insecure: options.sourcedFlag("--insecure", descriptions.insecure),
  });
}

/** Returns undefined unless an option asks for TLS. @throws {UsageError} */
export function clientTls(wanted: boolean, tls: ClientTls): ClientTls | undefined {
  if (tls.certFile !== undefined && tls.keyFile === undefined) throw new UsageError("--tls-cert needs --tls-key.");
  if (tls.keyFile !== undefined && tls.certFile === undefined) throw new UsageError("--tls-key needs --tls-cert.");
  return wanted || Object.values(tls).some((value) => value !== undefined) ? tls : undefined;
}
