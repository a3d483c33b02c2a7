import { ChatError } from "../core/chat_error.ts";

/** The reply to a request that must not be repeated was lost: the server may have carried it out, or not. */
export class UnknownOutcome extends ChatError {
  private constructor(message: string, cause: ChatError) {
    super(cause.code, message, { cause });
  }

  /** Returns the error for a password change that failed with `error` after it was sent. */
  static ofPasswordChange(error: unknown): unknown {
    return UnknownOutcome.#of(
      error,
      "it is not known whether the password was changed: log in with the new password, or with the old one if the new " +
        "one is refused.",
    );
  }

  /** Returns the error for the deletion of an account that failed with `error` after it was sent. */
  static ofAccountDeletion(error: unknown): unknown {
    return UnknownOutcome.#of(
      error,
      "it is not known whether the account was deleted: if you can still log in, delete it again.",
    );
  }

  /** Returns the error for a message that was sent and has no reply when its client ends with `error`. */
  static ofMessage(error: ChatError): UnknownOutcome {
    const reason = error.message.replace(/\.$/, "");
    return new UnknownOutcome(`${reason}, so the server may have accepted the message.`, error);
  }

  static #of(error: unknown, unknown: string): unknown {
    const isLost = error instanceof ChatError && error.code === "unavailable" && !(error instanceof UnknownOutcome);
    return isLost
      ? new UnknownOutcome(`${error.message.replace(/(: try again)?\.$/, "")}, so ${unknown}`, error)
      : error;
  }
}
