/** Reasons of the operating system, for people, by their names in errno(3). */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota of this user is used up",
  EFBIG: "the file would be larger than the system allows (ulimit -f)",
  EROFS: "the file system is read-only",
  EACCES: "this user has no permission",
  EPERM: "this user has no permission",
  EMFILE: "chatd has too many open files (ulimit -n)",
  ENFILE: "the system has too many open files",
  ENOMEM: "the system has no memory left",
  EIO: "the disk or the terminal failed",
  EPIPE: "its reader has closed it",
};

/** Returns why the operating system refused an operation; undefined for an error of another origin. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const reason = reasonIn(reasons, error);
  if (reason !== undefined) return reason;
  if (error.name === "PermissionDenied") return reasons.EACCES;
  return error.name === "BrokenPipe" ? reasons.EPIPE : undefined;
}

/** Reasons why a path cannot be used, by their names in errno(3). */
const pathReasons: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
  EEXIST: "it exists already",
  ENOTEMPTY: "the folder is not empty",
  ELOOP: "its symbolic links form a circle",
  ENAMETOOLONG: "its name is too long",
  EINVAL: "its name is not valid",
  EBUSY: "another program uses it",
  ETXTBSY: "another program uses it",
  ENXIO: "nothing is at its other end",
  ESTALE: "its file system is gone",
  ENOTCONN: "its file system is gone",
};

/** Returns why a file or folder cannot be used; undefined for an error of another origin. */
export function knownPathReason(error: unknown): string | undefined {
  return systemReason(error) ?? reasonIn(pathReasons, error);
}

/** Returns why a file or folder cannot be used, for people and without a full stop. */
export function pathReason(error: unknown): string {
  const reason = knownPathReason(error);
  if (reason !== undefined) return reason;
  // Deno adds the number of the error, the operation and the path.
  const words = error instanceof Error ? error.message.replace(/ \(os error \d+\).*$/s, "") : String(error);
  return words === "" || words === "undefined"
    ? "the system reports an error"
    : `the system reports an error (${words})`;
}

const notLocal = "the address is not one of this machine: choose one of its own, or 0.0.0.0 for all of them";

/** Reasons why no address and port can be listened on, by their names in errno(3). */
const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program uses the port: stop it, or choose another port",
  EADDRNOTAVAIL: notLocal,
  // Deno's word for it in node:net.
  EINVAL: notLocal,
  EAFNOSUPPORT: "this machine does not support such addresses: choose an IPv4 address",
  EACCES: "this user may not use the port: choose one of 1024 or more",
  EPERM: "this user may not use the port: choose one of 1024 or more",
  ENOTFOUND: "there is no such host: choose an address of this machine",
  EAI_AGAIN: "the name service does not answer: give an address instead of a name",
};

/** Returns why no address and port can be listened on, with advice, for people and without a full stop. */
export function listenReason(error: unknown): string {
  const known = reasonIn(listenReasons, error);
  if (known !== undefined) return known;
  const words = error instanceof Error ? error.message : String(error);
  if (/\bgetaddrinfo\b|failed to lookup/.test(words)) return listenReasons.ENOTFOUND;
  return systemReason(error) ?? `the system reports an error (${words})`;
}

/** Names of errors on Linux by their numbers, which errors of Deno have in their message if they have no code. */
const codes: Readonly<Record<string, string>> = {
  1: "EPERM",
  5: "EIO",
  12: "ENOMEM",
  13: "EACCES",
  23: "ENFILE",
  24: "EMFILE",
  27: "EFBIG",
  28: "ENOSPC",
  30: "EROFS",
  122: "EDQUOT",
};

function reasonIn(table: Readonly<Record<string, string>>, error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error ? error.code : codes[/\(os error (\d+)\)/.exec(error.message)?.[1] ?? ""];
  return typeof code === "string" && Object.hasOwn(table, code) ? table[code] : undefined;
}

/** The operating system refused an operation, which is no bug of chatd; the message is one sentence for people. */
export class SystemError extends Error {
  override readonly name = "SystemError";
}

/** Returns `error` as the reason why output could not be written, if the system refused it. */
export function outputError(error: unknown): unknown {
  const reason = systemReason(error);
  if (reason === undefined) return error;
  return new SystemError(`Cannot write the output: ${reason}.`, { cause: error });
}
