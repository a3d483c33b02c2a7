import type { ServerTls } from "../../app/server_options.ts";
import type { OptionsWithEnv } from "./options_with_env.ts";
import { UsageError } from "./usage_error.ts";
import { path } from "./value_parsers.ts";

/** The options of a gRPC server's TLS; {@link serverTls} combines them. */
export function serverTlsOptions(options: OptionsWithEnv) {
  const settings = options.section("grpc");
  return {
    certFile: settings.optional("--tls-cert", path("FILE"), "Certificate of the server with its chain, PEM"),
    keyFile: settings.optional("--tls-key", path("FILE"), "Private key of the certificate, PEM"),
    clientCaFile: settings.optional(
      "--tls-client-ca",
      path("FILE"),
      "Accept only clients with a certificate of this CA",
    ),
  };
}

/** @throws {UsageError} if the certificate or the key is missing */
export function serverTls({ certFile, keyFile, clientCaFile }: Partial<ServerTls>): ServerTls | undefined {
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile };
  if (certFile !== undefined) throw new UsageError("--tls-cert needs --tls-key, the private key of the certificate.");
  if (keyFile !== undefined) throw new UsageError("--tls-key needs --tls-cert, the certificate of the key.");
  if (clientCaFile === undefined) return undefined;
  throw new UsageError("--tls-client-ca needs --tls-cert and --tls-key: clients show certificates only over TLS.");
}
