/**
 * Returns the key for limits by address: an IPv4 address, also one mapped into IPv6, or the /64 network of an IPv6
 * address, because a holder of one address usually has the whole network (RFC 6177). Other text is returned as is.
 */
export function addressKey(address: string): string {
  const bare = address.split("%")[0].toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare);
  if (mapped) return mapped[1];
  if (!/^[0-9a-f:.]*:[0-9a-f:.]*$/.test(bare)) return address.slice(0, 64);
  const [head, tail] = bare.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const end = tail === "" ? [] : tail.split(":");
    const width = end.at(-1)?.includes(".") ? end.length + 1 : end.length;
    while (groups.length + width < 8) groups.push("0");
    groups.push(...end);
  }
  return `${groups.slice(0, 4).map((group) => Number.parseInt(group || "0", 16).toString(16)).join(":")}::/64`;
}
