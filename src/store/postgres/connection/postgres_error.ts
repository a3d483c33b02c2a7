import { ChatError } from "../../../core/chat_error.ts";
import { networkReason } from "../../../core/network_reason.ts";
import { type DatabaseAddress, showDatabase } from "./database_address.ts";
import { fencedState } from "../schema/fence.ts";

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const insufficientPrivilege = "42501";
const fullDisks = ["53100", "58030"];
const overloads = ["53000", "53200", "53300", "53400", "55P03"];
const statementTimeout = "57014";
const timeouts = [statementTimeout, "25P03"];
const serializationFailures = ["40001", "40P01"];
/** Shutdowns, and the standby that a primary became. */
const endings = ["57P01", "57P02", "57P03", "57P05", "25006"];

const retryAfterMs = 1_000;

/** Returns the SQLSTATE of an error of PostgreSQL; undefined for an error of another origin. */
export function sqlState(thrown: unknown): string | undefined {
  if (thrown instanceof ChatError && thrown.cause !== undefined) return sqlState(thrown.cause);
  const { code } = (thrown ?? {}) as { code?: unknown };
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Whether the fence refused a write, because another node has the lease. */
export function isFenced(thrown: unknown): boolean {
  return sqlState(thrown) === fencedState;
}

/** Whether the user of the database lacks a privilege. */
export function isDenied(thrown: unknown): boolean {
  return sqlState(thrown) === insufficientPrivilege;
}

/** Whether a statement took longer than its connection permits. */
export function isTimeout(thrown: unknown): boolean {
  return sqlState(thrown) === statementTimeout;
}

/**
 * Maps an error of a statement: `storage_full` for a full disk of the database, `busy` for one that has too much to do,
 * `unavailable` while it cannot be reached or another node has the lease. Others stay as they are.
 */
export function queryError(thrown: unknown): unknown {
  const state = sqlState(thrown);
  if (state !== undefined && fullDisks.includes(state)) {
    return new ChatError(
      "storage_full",
      "Nothing was saved, because the disk of the database is full or failing: try again later, or ask the operator to free space.",
      { cause: thrown },
    );
  }
  const isBusy = state === undefined
    ? isPoolTimeout(thrown)
    : [...overloads, ...timeouts, ...serializationFailures].includes(state);
  if (isBusy) {
    return new ChatError("busy", "The database has too much to do: try again in a moment.", {
      cause: thrown,
      retryAfterMs,
    });
  }
  if (state === fencedState) {
    return new ChatError("unavailable", "Another server has taken over: connect again.", {
      cause: thrown,
      retryAfterMs,
    });
  }
  if (state === undefined ? isConnectionError(thrown) : endings.includes(state)) return lostError(thrown);
  return thrown;
}

/** Returns the error of a statement whose outcome the end of its connection hides. */
export function lostError(cause: unknown): ChatError {
  return new ChatError("unavailable", "The server has lost its database: try again in a moment.", {
    cause,
    retryAfterMs,
  });
}

/** Whether no connection of a pool became free in time. */
function isPoolTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message.startsWith("timeout exceeded when trying to connect");
}

/** Whether the connection failed, rather than the statement. */
function isConnectionError(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  const { code } = thrown as { code?: unknown };
  return networkReason(`${String(code)} ${thrown.message}`) !== undefined ||
    /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout)/
      .test(thrown.message);
}

/** Returns the error of a pooler between chatd and the database. */
export function poolerError(address: DatabaseAddress, cause?: unknown): ChatError {
  return new ChatError(
    "invalid_argument",
    `Cannot use the database ${
      showDatabase(address)
    } through this pooler, which lends a connection for one transaction ` +
      "at a time: name the database server itself, or a pool in session mode.",
    { cause },
  );
}

/** Returns the error of a user who lacks privileges. `reason` goes on after the name. */
export function permissionError(address: DatabaseAddress, reason: string, cause?: unknown): ChatError {
  return new ChatError(
    "permission_denied",
    `Cannot use the database ${
      showDatabase(address)
    }: "${address.user}" ${reason}. Name the owner of the database in ` +
      "the URL, or grant this user the privileges.",
    { cause },
  );
}

/**
 * Maps an error of connecting to a database: `unauthenticated`, `invalid_argument`, `not_found`, `permission_denied`,
 * and else `unavailable`. "standby" is the error of a host that only reads.
 */
export function connectError(address: DatabaseAddress, thrown: unknown): ChatError {
  const where = `the database ${showDatabase(address)}`;
  if (thrown === "standby") {
    return new ChatError(
      "unavailable",
      `Cannot use ${where}: it is a standby, which only reads. Name the primary, or all hosts: postgres://…@db1,db2/….`,
    );
  }
  const { message } = thrown as Error;
  switch (sqlState(thrown)) {
    case "28P01":
    case "28000": {
      const remedy = /no pg_hba\.conf entry/.test(message)
        ? `Allow it in pg_hba.conf${/no encryption/.test(message) ? ', or encrypt with "?sslmode=verify-full"' : ""}.`
        : "Check the user and the password file.";
      return new ChatError(
        "unauthenticated",
        `Cannot log in to ${where} as "${address.user}": ${message}. ${remedy}`,
        { cause: thrown },
      );
    }
    case "3D000":
      return new ChatError(
        "not_found",
        `Cannot use ${where}: ${message}. Create it with: createdb --encoding UTF8 --owner ${address.user} ${address.database}`,
        { cause: thrown },
      );
    case insufficientPrivilege:
      return permissionError(address, `may not connect to it: ${message}`, thrown);
    // PgBouncer's answer to settings of a session.
    case "08P01":
      if (/startup parameter/.test(message)) return poolerError(address, thrown);
  }
  if (/client password must be a/.test(message)) {
    return new ChatError(
      "unauthenticated",
      `Cannot log in to ${where} as "${address.user}": it asks for a password. Give --database-password-file FILE.`,
      { cause: thrown },
    );
  }
  const words = `${(thrown as { code?: string }).code} ${message}`;
  const reason = networkReason(words) ?? encryptionReason(words) ?? message;
  return new ChatError("unavailable", `Cannot reach ${where}: ${reason}.`, { cause: thrown });
}

/** Why the connection could not be encrypted, with advice, by the words of pg and OpenSSL; undefined for other words. */
function encryptionReason(words: string): string | undefined {
  const [, reason] = encryptionReasons.find(([pattern]) => pattern.test(words)) ?? [];
  return reason;
}

const encryptionReasons: readonly (readonly [words: RegExp, reason: string])[] = [
  [
    /does not support SSL/,
    'it does not encrypt: set ssl = on in its configuration, or add "?sslmode=disable" to the URL',
  ],
  [
    /altnames/,
    "its certificate is for another name: give that name in the URL, or have the certificate made for this one",
  ],
  [/CERT_HAS_EXPIRED/, "its certificate has expired: it must be renewed on the server"],
  [/CERT_NOT_YET_VALID/, "its certificate is not valid yet: check the clocks"],
  [
    /SELF_SIGNED|self[- ]signed|UNABLE_TO_|unable to (verify|get)/,
    "its certificate is not trusted: give its CA with --database-ca-file FILE",
  ],
];
