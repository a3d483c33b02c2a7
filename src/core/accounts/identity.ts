import { ChatError } from "../chat_error.ts";

/** Who is asking: what a token that is good stands for. */
export interface Identity {
  readonly user: string;
  readonly deviceId: string;
  readonly deviceName: string;
  /** Milliseconds since the Unix epoch; moves on while the token is used. */
  readonly tokenExpiresAt: number;
}

/** What a client keeps: the only copy of its token. */
export interface Credentials {
  readonly user: string;
  readonly token: string;
  readonly deviceId: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** Which live sessions must end: those of one device, of all but one, or all of the user's. */
export interface Revocation {
  readonly user: string;
  readonly deviceId?: string;
  readonly exceptDeviceId?: string;
  /** For those whose session it was. */
  readonly reason: ChatError;
}

/** What a device without a name is called. */
export const unnamedDevice = "unnamed device";

/** @returns `name`, trimmed. @throws {ChatError} `invalid_argument` when it cannot be shown in a list. */
export function parseDeviceName(name: string): string {
  const trimmed = name.trim();
  if (trimmed.length <= 128 && [...trimmed].length <= 64 && /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(trimmed)) return trimmed;
  throw new ChatError(
    "invalid_argument",
    "The name of the device cannot be used: at most 64 characters, and no control characters.",
  );
}
