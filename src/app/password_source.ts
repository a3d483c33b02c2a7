import { ChatError } from "../core/chat_error.ts";
import { pathReason } from "../core/system_error.ts";
import { promptNewPassword } from "../terminal/input/password_prompt.ts";

export interface PasswordSource {
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. */
  readonly password?: string;
}

const maxFileBytes = 4096;

/**
 * Returns the password on the first line of `file`.
 * @throws {ChatError} `invalid_argument` if it cannot be read or is empty
 */
export async function readPasswordFile(file: string): Promise<string> {
  const bytes = new Uint8Array(maxFileBytes);
  const length = await readStart(file, bytes);
  const [line] = decode(file, bytes.subarray(0, length)).split(/\r?\n/);
  if (line !== "") return line;
  throw new ChatError("invalid_argument", `The first line of the password file "${file}" is empty.`);
}

/**
 * Returns a new password of `user` from the file, else the environment, else two prompts.
 * @throws {ChatError} `invalid_argument`
 */
export async function readNewPassword(user: string, { passwordFile, password }: PasswordSource): Promise<string> {
  if (passwordFile !== undefined) return await readPasswordFile(passwordFile);
  return password ?? await promptNewPassword({ first: `New password for ${user}: `, again: "Repeat the password: " });
}

async function readStart(file: string, bytes: Uint8Array): Promise<number> {
  try {
    using opened = await Deno.open(file);
    for (let length = 0;;) {
      const count = length < bytes.length ? await opened.read(bytes.subarray(length)) : null;
      if (count === null) return length;
      length += count;
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new ChatError(
        "permission_denied",
        `Deno does not let chatd read the password file "${file}": add --allow-read="${file}" to deno run.`,
        { cause },
      );
    }
    throw new ChatError("invalid_argument", `Cannot read the password file "${file}": ${pathReason(cause)}.`, {
      cause,
    });
  }
}

function decode(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ChatError("invalid_argument", `The password file "${file}" is not UTF-8.`);
  }
}
