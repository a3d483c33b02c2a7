import { BlockList, isIP } from "node:net";
import { ChatError } from "../../core/chat_error.ts";
import { isLoopback } from "../../host/loopback.ts";

/** Returns an environment variable; undefined if it is not set. */
type Variables = (name: string) => string | undefined;

/** Variables that name an HTTP proxy, in the order of grpc-js, which connects through it. */
const proxyVariables = ["grpc_proxy", "https_proxy", "http_proxy"];
/** Variables that list the hosts to reach without a proxy; the first that is set counts. */
const exceptionVariables = ["no_grpc_proxy", "no_proxy"];

/**
 * Returns the address of the HTTP proxy on the way to `host`, without the user and password that its URL may have;
 * undefined for a direct connection, which all addresses of this machine get.
 * @throws {ChatError} `invalid_argument` if the variable names another kind of proxy
 */
export function httpProxyFor(host: string, variables: Variables): string | undefined {
  const name = proxyVariables.find((variable) => variables(variable));
  if (name === undefined || isLoopback(host) || isExcepted(host, variables)) return undefined;
  const url = URL.parse(variables(name)!);
  if (url?.protocol === "http:" && url.hostname !== "") return `${url.hostname}:${url.port || "80"}`;
  const kind = url !== null && /:\/\//.test(variables(name)!) ? `a proxy of the kind ${url.protocol}//` : "no URL";
  throw new ChatError(
    "invalid_argument",
    `Cannot connect to ${host}: the environment variable ${name} names ${kind}, and chatd uses only http://HOST:PORT: ` +
      `correct or unset it, or add ${host} to no_proxy for a direct connection.`,
  );
}

function isExcepted(host: string, variables: Variables): boolean {
  const list = exceptionVariables.map(variables).find((value) => value) ?? "";
  return list.split(",").map((entry) => entry.trim()).some((entry) => entry !== "" && matches(host, entry));
}

/** Whether an entry of the list is a host, its domain, its network or `*`. */
function matches(host: string, entry: string): boolean {
  if (entry === "*") return true;
  const [address, prefix] = entry.split("/");
  if (prefix !== undefined) return /^\d+$/.test(prefix) && isInNetwork(host, address, Number(prefix));
  const [name, domain] = [host, entry.replace(/^\*?\./, "")].map((text) => text.toLowerCase().replace(/^\[|\]$/g, ""));
  return name === domain || (isIP(name) === 0 && name.endsWith(`.${domain}`));
}

function isInNetwork(host: string, address: string, prefix: number): boolean {
  const family = isIP(host);
  if (family === 0 || isIP(address) !== family) return false;
  if (prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  return list.check(host, family === 4 ? "ipv4" : "ipv6");
}
