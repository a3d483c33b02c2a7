import { ChatError } from "../../../core/chat_error.ts";
import { networkReason } from "../../../core/network_reason.ts";
import { type DatabaseAddress, showDatabase } from "./database_address.ts";
import { fencedState } from "../schema/fence.ts";

// https://www.postgresql.org/docs/current/errcodes-appendix.html
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
    case "28000":
      return new ChatError(
        "unauthenticated",
        `Cannot log in to ${where} as "${address.user}": ${message}. Check the user and the password file.`,
        { cause: thrown },
      );
    case "3D000":
      return new ChatError(
        "not_found",
        `Cannot use ${where}: ${message}. Create it with: createdb --encoding UTF8 --owner ${address.user} ${address.database}`,
        { cause: thrown },
      );
    case "42501":
      return new ChatError("permission_denied", `Cannot use ${where}: ${message}.`, { cause: thrown });
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
  const reason = networkReason(`${(thrown as { code?: string }).code} ${message}`) ?? message;
  return new ChatError("unavailable", `Cannot reach ${where}: ${reason}.`, { cause: thrown });
}
