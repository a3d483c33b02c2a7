import { ChatError } from "../chat_error.ts";

/** The user and device that a valid token stands for. */
export interface Identity {
  readonly user: string;
  readonly deviceId: string;
  readonly deviceName: string;
  /** Milliseconds since the Unix epoch; extended by use. */
  readonly tokenExpiresAt: number;
}

/** The credentials that a client stores; the server keeps only a hash of the token. */
export interface Credentials {
  readonly user: string;
  readonly token: string;
  readonly deviceId: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
}

/** Live sessions to end: those of one device, of all devices but one, or of all devices. */
export interface Revocation {
  readonly user: string;
  readonly deviceId?: string;
  readonly exceptDeviceId?: string;
  /** Shown to the clients of the ended sessions. */
  readonly reason: ChatError;
}

/** Default name of a device. */
export const unnamedDevice = "unnamed device";

/** Returns the trimmed name. @throws {ChatError} `invalid_argument` when it cannot be shown in a list */
export function parseDeviceName(name: string): string {
  const trimmed = name.trim();
  if (trimmed.length <= 128 && [...trimmed].length <= 64 && /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(trimmed)) return trimmed;
  throw new ChatError(
    "invalid_argument",
    "Invalid device name: use at most 64 characters and no control characters.",
  );
}
