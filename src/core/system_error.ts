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
  if ("code" in error && typeof error.code === "string" && Object.hasOwn(reasons, error.code)) {
    return reasons[error.code];
  }
  if (error.name === "PermissionDenied") return reasons.EACCES;
  return error.name === "BrokenPipe" ? reasons.EPIPE : undefined;
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
