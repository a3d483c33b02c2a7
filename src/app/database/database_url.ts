import { formatHostPort } from "../../host/host_port.ts";
import { isLoopback } from "../../host/loopback.ts";
import type { DatabaseAddress, SslMode } from "../../store/postgres/connection/database_address.ts";

const standardPort = 5432;
const standardSchema = "chatd";
const schemaName = /^[a-z_][a-z0-9_]{0,62}$/;

/** The value of `--database`. */
export interface DatabaseUrl {
  readonly address: DatabaseAddress;
  /** Must not be logged. */
  readonly password: string | undefined;
}

/**
 * Parses a URL like "postgres://chatd@db1,db2:5433/chatd?sslmode=verify-full". The parameter "schema" names another
 * schema than "chatd". Without "sslmode", the certificate of the server is verified, except on loopback addresses.
 * @returns the password of the URL apart
 * @throws {SyntaxError} with a message for people that does not contain the password
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const parts = /^postgres(?:ql)?:\/\/(?:([^@/?]*)@)?([^@/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text);
  if (parts === null) {
    throw invalid(
      'it must look like "postgres://chatd@db.example.com/chatd", with %XX for special characters in a password',
    );
  }
  const [, login = "", hostList, path = "", query = ""] = parts;
  const [, user, password] = /^([^:]*)(?::(.*))?$/.exec(login)!;
  if (user === "") {
    throw invalid(
      'it names no user: write "postgres://USER@HOST/DATABASE", with %XX for special characters in a password',
    );
  }
  if (hostList === "") throw invalid('it names no host: write "postgres://USER@HOST/DATABASE"');
  const hosts = hostList.split(",").map(parseHost);
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => name !== "sslmode" && name !== "schema");
  if (unknown !== undefined) throw invalid(`it has the parameter "${unknown}": chatd knows "sslmode" and "schema"`);
  const schema = parameters.get("schema") ?? standardSchema;
  if (!schemaName.test(schema)) throw invalid(`"${schema}" is no name of a schema: use a-z, 0-9 and _`);
  if (schema.startsWith("pg_")) throw invalid(`PostgreSQL keeps "${schema}" for itself: choose another schema`);
  const address = {
    hosts,
    user: decode(user),
    database: path === "" ? decode(user) : decode(path),
    sslMode: parseSslMode(parameters.get("sslmode"), hosts),
    schema,
  };
  return { address, password: password === undefined ? undefined : decode(password) };
}

/** Returns the URL of a database, without a password. */
export function formatDatabaseUrl({ hosts, user, database, sslMode, schema }: DatabaseAddress): string {
  const parameters = new URLSearchParams({ sslmode: sslMode, schema });
  return `postgres://${encodeURIComponent(user)}@${hosts.map(formatHostPort)}/${
    encodeURIComponent(database)
  }?${parameters}`;
}

function parseHost(text: string): { host: string; port: number } {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(parts?.[3] ?? standardPort);
  if (parts === null || port < 1 || port > 65_535) throw invalid("a host may only be followed by a colon and a port");
  const host = decode(parts[1] ?? parts[2]);
  if (host.includes("/")) throw invalid("chatd connects over TCP, and not over a Unix socket: name a host");
  return { host, port };
}

function parseSslMode(mode: string | null, hosts: readonly { host: string }[]): SslMode {
  if (mode === null) return hosts.every(({ host }) => isLoopback(host)) ? "disable" : "verify-full";
  if (mode === "disable" || mode === "require" || mode === "verify-full") return mode;
  throw invalid(`sslmode=${mode} is not offered: use "verify-full", "require" (no verification) or "disable"`);
}

// Messages do not quote the URL, because a password may be anywhere in a malformed one.
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("it contains a % that does not begin %XX");
  }
}

function invalid(reason: string): SyntaxError {
  return new SyntaxError(`The URL of the database cannot be used: ${reason}.`);
}
