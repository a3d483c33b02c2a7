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

/** Where a server at `host` can call back: servers on this machine need nothing that others can reach. */
export function listenHost(host: string): string {
  if (/^127\./.test(host)) return "127.0.0.1";
  if (host === "::1") return "::1";
  return "::";
}
