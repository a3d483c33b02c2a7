/** The command line is invalid; the message tells the user how to correct it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
