import { ChatError } from "../../../core/chat_error.ts";

/** How a connection is encrypted, in the words of libpq. */
export type SslMode = "disable" | "require" | "verify-full";

/** Where a database is and who uses it, without a password. */
export interface DatabaseAddress {
  /** Tried in this order, until one is not a standby. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly database: string;
  /** "require" encrypts without verifying the server's certificate. */
  readonly sslMode: SslMode;
  /** The schema with chatd's tables. */
  readonly schema: string;
}

/** An address with what is needed to use it. */
export interface DatabaseAccess {
  readonly address: DatabaseAddress;
  /** Undefined where the server asks for none. */
  readonly password: string | undefined;
  /** Certificates in PEM that the server's must be signed by; the system's unless given. */
  readonly ca?: string;
}

const standardPort = 5432;
const standardSchema = "chatd";
const schemaName = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * Parses a URL like "postgres://chatd@db1,db2:5433/chatd?sslmode=verify-full". The parameter "schema" names another
 * schema than "chatd". Without "sslmode", the certificate of the server is verified, except on loopback addresses.
 * @returns the password of the URL apart
 * @throws {ChatError} `invalid_argument`
 */
export function parseDatabaseUrl(text: string): { address: DatabaseAddress; password: string | undefined } {
  const parts = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text);
  if (parts === null) throw invalid('it must look like "postgres://chatd@db.example.com/chatd"');
  const [, login = "", hostList, path = "", query = ""] = parts;
  const [, user, password] = /^([^:]*)(?::(.*))?$/.exec(login)!;
  if (user === "") throw invalid('it names no user: write "postgres://USER@HOST/DATABASE"');
  if (hostList === "") throw invalid('it names no host: write "postgres://USER@HOST/DATABASE"');
  const hosts = hostList.split(",").map(parseHost);
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== "sslmode" && name !== "schema");
  if (unknown !== undefined) throw invalid(`it has the parameter "${unknown}": chatd knows "sslmode" and "schema"`);
  const schema = parameters.get("schema") ?? standardSchema;
  if (!schemaName.test(schema)) throw invalid(`"${schema}" is no name of a schema: use a-z, 0-9 and _`);
  const address = {
    hosts,
    user: decode(user),
    database: path === "" ? decode(user) : decode(path),
    sslMode: parseSslMode(parameters.get("sslmode"), hosts),
    schema,
  };
  return { address, password: password === undefined ? undefined : decode(password) };
}

/** Returns an address without a password, for people: "db1:5432/chatd". */
export function showDatabase({ hosts, database }: DatabaseAddress): string {
  return `${hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",")}/${database}`;
}

function parseHost(text: string): { host: string; port: number } {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(parts?.[3] ?? standardPort);
  if (parts === null || port < 1 || port > 65_535) throw invalid(`"${text}" is no host with an optional port`);
  return { host: decode(parts[1] ?? parts[2]), port };
}

function parseSslMode(mode: string | null, hosts: readonly { host: string }[]): SslMode {
  if (mode === null) return hosts.every(({ host }) => isLoopback(host)) ? "disable" : "verify-full";
  if (mode === "disable" || mode === "require" || mode === "verify-full") return mode;
  throw invalid(`sslmode=${mode} is not offered: use "verify-full", "require" (no verification) or "disable"`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid(`"${text}" is not percent-encoded`, cause);
  }
}

function invalid(reason: string, cause?: unknown): ChatError {
  return new ChatError("invalid_argument", `Cannot use the URL of the database: ${reason}.`, { cause });
}
