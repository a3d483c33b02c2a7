/** Reports whether traffic to `host`, a name or an IP address without brackets, stays on this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host) || /^::ffff:127\./.test(host);
}
