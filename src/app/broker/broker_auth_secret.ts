import { ChatError } from "../../core/chat_error.ts";
import { pathReason } from "../../core/system_error.ts";

export interface BrokerAuthSecretOptions {
  readonly dataDir: string;
  /** Path as the operator wrote it; by default a file in the data folder, which is created if missing. */
  readonly secretFile?: string;
}

const minLength = 16;

/**
 * Returns the secret in the path of the authorization endpoint; a client that knows it can try passwords there.
 * @throws {ChatError} `invalid_argument` if the file cannot be used
 */
export function brokerAuthSecret({ dataDir, secretFile }: BrokerAuthSecretOptions): string {
  const file = secretFile ?? ownAuthSecretFile(dataDir);
  if (secretFile === undefined) createIfMissing(file);
  const secret = attempt(file, () => Deno.readTextFileSync(file)).trim();
  if (secret.length >= minLength && /^[\w.~-]+$/.test(secret)) return secret;
  throw new ChatError(
    "invalid_argument",
    `The secret in "${file}" must have at least ${minLength} characters, all of A-Z a-z 0-9 - . _ ~.`,
  );
}

/** Returns the default file of the secret. */
export function ownAuthSecretFile(dataDir: string): string {
  return `${dataDir}/broker-auth-secret`;
}

function createIfMissing(file: string): void {
  const secret = crypto.getRandomValues(new Uint8Array(24)).toHex();
  try {
    Deno.writeTextFileSync(file, `${secret}\n`, { createNew: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) {
      attempt(file, () => {
        throw error;
      });
    }
  }
}

function attempt<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new ChatError("invalid_argument", `Cannot use the broker's secret in "${file}": ${pathReason(cause)}.`, {
      cause,
    });
  }
}
