import type { CallbackListener } from "../callback/callback_listener.ts";

export interface GrpcTransportOptions {
  host: string;
  port: number;
  /** PEM. Without it, the connection is not encrypted. */
  tls?: {
    /** Authorities that may sign the server's certificate. */
    roots: Uint8Array;
    /** Name in the certificate, if it is not `host`; required when `host` is an IP address. */
    serverName?: string;
    /** Client certificate, for servers that require one. */
    certificate?: { chain: Uint8Array; key: Uint8Array };
  };
  /** Receive deliveries by callback on an own port, while the server can reach it. */
  callback: boolean;
  /** The HTTP proxy that grpc-js takes from the environment, as "HOST:PORT"; without it, none. */
  proxy?: string;
}

/** Time for a call, in milliseconds. */
export const callDeadlineMs = 30_000;
/**
 * Time for a call with a chunk, in milliseconds: the last chunk of a large file is answered after the whole file was
 * verified.
 */
export const fileCallDeadlineMs = 60_000;

/** Formats an address as in URLs: "127.0.0.1:50051", "[::1]:50051". */
export function addressOf({ host, port }: Pick<GrpcTransportOptions, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Opens the port for callbacks, if the transport uses them. */
export async function openListener(
  { host, callback }: Pick<GrpcTransportOptions, "host" | "callback">,
): Promise<CallbackListener | undefined> {
  if (!callback) return undefined;
  // Loaded on demand: the certificate library is larger than the rest of a client.
  const { CallbackListener } = await import("../callback/callback_listener.ts");
  return await CallbackListener.open({ host: listenHost(host) });
}

/**
 * Returns the address to listen on for callbacks of a server at `host`; for a server on this machine, one that others
 * cannot reach.
 */
function listenHost(host: string): string {
  if (/^127\./.test(host)) return "127.0.0.1";
  if (host === "::1") return "::1";
  return "::";
}
