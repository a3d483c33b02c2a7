/**
 * An address to listen on or to connect to. `host` is a name or an IP address without brackets; port 0 lets the system
 * choose.
 */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The addresses of servers that clients try in this order. */
export type HostPorts = readonly [HostPort, ...HostPort[]];

const label = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";
const namePattern = new RegExp(`^${label}(?:\\.${label})*\\.?$`);

/** Parses "HOST:PORT" or "[::1]:50051". @throws {SyntaxError} with a message for people when `text` is neither */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d*)$/.exec(text);
  if (match === null) throw new SyntaxError(explain(text));
  const [, address, name = "", digits] = match;
  const host = address ?? name;
  if (host === "") throw new SyntaxError(`"${text}" names no host: write 127.0.0.1${text} for this machine only.`);
  if (address === undefined ? !isName(name) : !isIpv6(address)) {
    throw new SyntaxError(`"${host}" is neither a host name nor an IP address.`);
  }
  const port = Number(digits);
  if (digits === "" || port > 65535) throw new SyntaxError(`"${text}" needs a port from 0 to 65535 after the colon.`);
  return { host, port };
}

/** Formats an address as {@link parseHostPort} reads it. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Parses addresses as {@link parseHostPort}, separated by commas. @throws {SyntaxError} */
export function parseHostPorts(text: string): HostPorts {
  const [first, ...others] = text.split(",").map((part) => parseHostPort(part.trim()));
  return [first, ...others];
}

/** Formats addresses as {@link parseHostPorts} reads them. */
export function formatHostPorts(addresses: HostPorts): string {
  return addresses.map(formatHostPort).join(",");
}

function explain(text: string): string {
  if (isIpv6(text)) return `"${text}" has no port: write [${text}]:50051.`;
  const colon = text.lastIndexOf(":");
  if (isIpv6(text.slice(0, colon))) {
    return `"${text}" is not clear: write [${text.slice(0, colon)}]${text.slice(colon)}.`;
  }
  if (text.includes("://")) return `"${text}" is a URL: write only HOST:PORT.`;
  if (isName(text) || /^\[.*\]$/.test(text)) return `"${text}" has no port: write ${text}:50051.`;
  return `"${text}" is not HOST:PORT, such as 127.0.0.1:50051 or [::1]:50051.`;
}

function isName(host: string): boolean {
  if (host.length > 254 || !namePattern.test(host)) return false;
  if (!/^[\d.]+$/.test(host)) return true;
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

function isIpv6(host: string): boolean {
  return host.includes(":") && URL.canParse(`http://[${host}]/`);
}
