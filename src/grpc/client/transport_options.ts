import type { CallbackListener } from "../callback/callback_listener.ts";

export interface GrpcTransportOptions {
  host: string;
  port: number;
  /** PEM. Without it, nothing is encrypted. */
  tls?: {
    /** Who may have signed the server's certificate. */
    roots: Uint8Array;
    /** The name that the certificate must have, where it is not `host`; needed when `host` is an IP address. */
    serverName?: string;
    /** For servers that ask for one. */
    certificate?: { chain: Uint8Array; key: Uint8Array };
  };
  /** Take deliveries on a port of one's own, as long as the server can reach it. */
  callback: boolean;
}

/** Milliseconds that a server has for a call. */
export const callDeadlineMs = 30_000;
/** The same for a call with a chunk: the last one of a large file is answered when all of the file was checked. */
export const fileCallDeadlineMs = 60_000;

/** Returns the address of a server as URLs have it: "127.0.0.1:50051", "[::1]:50051". */
export function addressOf({ host, port }: Pick<GrpcTransportOptions, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Opens the port for callbacks, where a transport takes any. */
export async function openListener(
  { host, callback }: Pick<GrpcTransportOptions, "host" | "callback">,
): Promise<CallbackListener | undefined> {
  if (!callback) return undefined;
  // Loaded only here: the maker of certificates is larger than all the rest of a client.
  const { CallbackListener } = await import("../callback/callback_listener.ts");
  return await CallbackListener.open({ host: listenHost(host) });
}

/** Where a server at `host` can call back: servers on this machine need nothing that others can reach. */
function listenHost(host: string): string {
  if (/^127\./.test(host)) return "127.0.0.1";
  if (host === "::1") return "::1";
  return "::";
}
