import { isIP } from "node:net";
import { formatHostPort, type HostPort } from "../host/host_port.ts";
import { isLoopback } from "../host/loopback.ts";
import { isBundle } from "../host/supervisor/serving_command.ts";
import type { ServerTls } from "./server_options.ts";

const standardPort = 50051;

/** Returns the command that chats with this server, for the way in which this program was started. */
export function chatCommand({ host, port, tls }: HostPort & { tls: ServerTls | undefined }): string {
  const reachable = reachableHost(host);
  const server = reachable === "127.0.0.1" && port === standardPort
    ? ""
    : ` --server ${formatHostPort({ host: reachable, port })}`;
  return `${clientCommand()} --user ana${server}${securityOptions(host, tls)}`;
}

/** Returns a placeholder for a server on all addresses. */
function reachableHost(host: string): string {
  return ["0.0.0.0", "::"].includes(host) ? "HOST" : host;
}

function securityOptions(host: string, tls: ServerTls | undefined): string {
  if (tls === undefined) return isLoopback(host) ? "" : " --insecure";
  const name = isIP(reachableHost(host)) === 0 ? "" : " --tls-name NAME";
  const certificate = tls.clientCaFile === undefined ? "" : " --tls-cert FILE --tls-key FILE";
  return ` --tls${name}${certificate}`;
}

function clientCommand(): string {
  if (Deno.build.standalone) return "chatd grpc-client";
  const isStartedByNpx = Deno.env.get("npm_command") === "exec";
  if (isBundle) return `${isStartedByNpx ? "npx " : ""}chatd grpc-client`;
  return `${isStartedByNpx ? `npx -y deno@${Deno.version.deno}` : "deno"} task chat`;
}
