/** The address in a peer that grpc-js names: "127.0.0.1:51234", "[::1]:51234", with or without "ipv4:" before it. */
export function peerAddress(peer: string): string {
  const [, bracketed, plain] = /^(?:ipv[46]:)?(?:\[([^\]]*)\]|(.*?))(?::\d+)?$/.exec(peer) ?? [];
  const address = bracketed ?? plain ?? peer;
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "");
}
