import type { BrokerLogin } from "../../amqp/connection/broker_address.ts";
import { ChatError } from "../../core/chat_error.ts";
import { readPasswordFile } from "../password_source.ts";
import type { BrokerUrl } from "./broker_url.ts";

export interface BrokerLoginOptions {
  readonly broker: BrokerUrl;
  /** File with the password on its first line. */
  readonly brokerPasswordFile?: string;
  readonly dataDir: string;
}

/** The broker's user of the server, unless the URL names another. */
const standardUser = "chatd";

/**
 * Returns the server's login to the broker, with the password of the given file, else of the URL, else of the file in
 * the data folder that `chatd broker-config` creates.
 * @throws {ChatError} `invalid_argument` if there is no password
 */
export async function brokerLogin(options: BrokerLoginOptions): Promise<BrokerLogin> {
  const { broker: { user = standardUser, login }, brokerPasswordFile, dataDir } = options;
  if (brokerPasswordFile !== undefined) return { user, password: await readPasswordFile(brokerPasswordFile) };
  if (login !== undefined) return login;
  const file = ownPasswordFile(dataDir);
  if (user === standardUser && exists(file)) return { user, password: await readPasswordFile(file) };
  throw new ChatError(
    "invalid_argument",
    `The password of the broker's user "${user}" is missing: give --broker-password-file FILE, set CHATD_BROKER to ` +
      `amqp://USER:PASSWORD@HOST:PORT${user === standardUser ? ', or create one with "chatd broker-config"' : ""}.`,
  );
}

/** Like {@link brokerLogin}, but creates a password if there is none. */
export async function makeBrokerLogin(options: BrokerLoginOptions): Promise<BrokerLogin> {
  const file = ownPasswordFile(options.dataDir);
  const { broker: { user = standardUser, login }, brokerPasswordFile } = options;
  if (user === standardUser && login === undefined && brokerPasswordFile === undefined && !exists(file)) {
    const password = crypto.getRandomValues(new Uint8Array(24)).toHex();
    await Deno.writeTextFile(file, `${password}\n`, { createNew: true, mode: 0o600 });
  }
  return await brokerLogin(options);
}

/** Returns the file with the server's password at the broker, which `chatd broker-config` creates. */
export function ownPasswordFile(dataDir: string): string {
  return `${dataDir}/broker-password`;
}

function exists(file: string): boolean {
  try {
    Deno.statSync(file);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
