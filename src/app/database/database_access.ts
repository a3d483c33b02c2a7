import type { DatabaseAccess } from "../../store/postgres/connection/database_address.ts";
import { readAuthorities } from "../../host/certificates/pem_file.ts";
import { readPasswordFile } from "../password_source.ts";
import type { DatabaseUrl } from "./database_url.ts";

/** Options for serving from a database, parsed but without opening files. */
export interface DatabaseOptions {
  readonly url: DatabaseUrl;
  /** File with the password on its first line, instead of the one in the URL. */
  readonly passwordFile?: string;
  /** CA that signed the certificate of the server, instead of the system's, PEM. */
  readonly caFile?: string;
}

/** Options of a node that serves from a database. */
export interface NodeOptions extends DatabaseOptions {
  /** The name of the host unless given. */
  readonly node?: string;
}

/** Reads the files that are needed to log in to a database. @throws {ChatError} */
export async function readAccess({ url, passwordFile, caFile }: DatabaseOptions): Promise<DatabaseAccess> {
  const { address, password } = url;
  return {
    address,
    password: passwordFile === undefined ? password : await readPasswordFile(passwordFile),
    ...(caFile !== undefined && { ca: await readAuthorities(caFile) }),
  };
}
