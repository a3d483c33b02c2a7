import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";
import { crashedExitCode, refusedExitCode } from "../host/supervisor/exit_codes.ts";

/** The exit codes of chatd; docs/commands.md explains them. */
export const exitCode = {
  done: 0,
  failed: 1,
  /** The command line, an environment variable or the configuration file is invalid. */
  usage: 2,
  /** The server rejected the user, the password, the token or the invitation. */
  authentication: 3,
  /** No server could be reached in time. */
  noConnection: 4,
  /** The server's disk is full. */
  storageFull: 5,
  /** A server crashed because of a bug, without a supervisor or while it stopped. */
  crashed: crashedExitCode,
  /** A server cannot start because of its setup (certificate, data, permission, broker); restarting does not help. */
  refused: refusedExitCode,
  /** Ctrl-C at a prompt, as in shells: 128 plus the number of SIGINT. */
  interrupted: 130,
} as const;

/** The meaning of each exit code, for the manual page. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCode, string>> = {
  done: "Success.",
  failed: "Failure; stderr says why.",
  usage: "The command line, an environment variable or the configuration file is invalid.",
  authentication: "The server rejected the user, the password, the token or the invitation.",
  noConnection: "No server could be reached in time.",
  storageFull: "The server's disk is full.",
  crashed: "A server without a supervisor crashed because of a bug.",
  refused:
    "A server cannot start because of a certificate, its data, a permission or the broker; restarting does not help.",
  interrupted: "Interrupted with Ctrl-C at a prompt.",
};

const authenticationCodes: ReadonlySet<ChatErrorCode> = new Set([
  "unauthenticated",
  "permission_denied",
  "token_revoked",
  "registration_closed",
  "invite_invalid",
]);

/** Returns the exit code of a client that ends with `error`. */
export function clientExitCode(error: unknown): number {
  if (!(error instanceof ChatError)) return exitCode.failed;
  if (authenticationCodes.has(error.code)) return exitCode.authentication;
  if (error.code === "storage_full") return exitCode.storageFull;
  return error.code === "unavailable" ? exitCode.noConnection : exitCode.failed;
}

/** Returns the exit code of a script command: there, `permission_denied` is about the request, not about the login. */
export function scriptExitCode(error: unknown): number {
  return error instanceof ChatError && error.code === "permission_denied" ? exitCode.failed : clientExitCode(error);
}

const refusals: ReadonlySet<ChatErrorCode> = new Set([
  "unauthenticated",
  "permission_denied",
  "not_found",
  "already_exists",
  "invalid_argument",
  "unsupported_version",
]);

/** Returns the exit code of a server that ends with `error`. */
export function serverExitCode(error: unknown): number {
  return error instanceof ChatError && refusals.has(error.code) ? exitCode.refused : exitCode.failed;
}
