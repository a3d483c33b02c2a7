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

/** An address with the secrets of a login. */
export interface DatabaseAccess {
  readonly address: DatabaseAddress;
  /** Undefined where the server asks for none. */
  readonly password: string | undefined;
  /** Certificates in PEM that the server's must be signed by; the system's unless given. */
  readonly ca?: string;
}

/** The schema that people need not be told. */
const standardSchema = "chatd";

/** Returns an address without a password, for people: "db1:5432/chatd", with "?schema=NAME" unless it is the standard. */
export function showDatabase({ hosts, database, schema }: DatabaseAddress): string {
  const places = hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  return `${places}/${database}${schema === standardSchema ? "" : `?schema=${schema}`}`;
}
