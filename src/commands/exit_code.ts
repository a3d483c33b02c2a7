import { ChatError, type ChatErrorCode } from "../core/chat_error.ts";
import { crashedExitCode, refusedExitCode } from "../host/supervisor/exit_codes.ts";

/** What chatd tells the shell when it ends. README lists them for people. */
export const exitCode = {
  done: 0,
  failed: 1,
  /** The command line or an environment variable cannot be understood. */
  usage: 2,
  /** The server did not take the user, the password, the token or the invitation. */
  authentication: 3,
  /** No server there, or none that could be reached in time. */
  noConnection: 4,
  /** A bug ended a server that ran without a supervisor, or while it stopped. */
  crashed: crashedExitCode,
  /** A server cannot use its set-up (certificate, data, permission, broker): starting it again, as it is, does not help. */
  refused: refusedExitCode,
  /** Ctrl-C at a prompt, as shells count it: 128 and the number of SIGINT. */
  interrupted: 130,
} as const;

/** The meaning of each exit code, for the manual page. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCode, string>> = {
  done: "Success.",
  failed: "Failure; stderr says why.",
  usage: "The command line, an environment variable or the configuration file is invalid.",
  authentication: "The server rejected the user, the password, the token or the invitation.",
  noConnection: "No server could be reached in time.",
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

/** The exit code of a client that ends with `error`. */
export function clientExitCode(error: unknown): number {
  if (!(error instanceof ChatError)) return exitCode.failed;
  if (authenticationCodes.has(error.code)) return exitCode.authentication;
  return error.code === "unavailable" ? exitCode.noConnection : exitCode.failed;
}

/** The exit code of a command for scripts: what the user may not do is refused, and says nothing about their login. */
export function scriptExitCode(error: unknown): number {
  return error instanceof ChatError && error.code === "permission_denied" ? exitCode.failed : clientExitCode(error);
}

const refusals: ReadonlySet<ChatErrorCode> = new Set([
  "unauthenticated",
  "permission_denied",
  "already_exists",
  "invalid_argument",
  "unsupported_version",
]);

/** The exit code of a server that ends with `error`. */
export function serverExitCode(error: unknown): number {
  return error instanceof ChatError && refusals.has(error.code) ? exitCode.refused : exitCode.failed;
}
