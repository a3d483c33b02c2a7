import type { Transport } from "../../client/transport.ts";
import { ChatError, type ChatErrorCode } from "../../core/chat_error.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { promptNewPassword, promptPassword } from "../../terminal/input/password_prompt.ts";
import { askLine, promptTerminal } from "../../terminal/input/process_input.ts";

/** Asks a person for input; tests replace it. */
export interface Questions {
  /** Asks for one line with echo; undefined if there is no answer. */
  ask(question: string): Promise<string | undefined>;
  password(question: string): Promise<string>;
  newPassword(questions: { first: string; again: string }): Promise<string>;
  tell(text: string): void;
}

export const terminalQuestions: Questions = {
  ask: askLine,
  password: (question) => promptPassword(question, promptTerminal),
  newPassword: (questions) => promptNewPassword(questions, promptTerminal),
  tell: (text) => console.error(text),
};

export interface LogInOptions {
  transport: Transport;
  user: string;
  /** The id of this machine's device, if it logged in before. */
  deviceId: string | undefined;
  deviceName: string;
  /** A password that makes the prompt unnecessary. */
  password: string | undefined;
  invite: string | undefined;
  /** The error with which the server rejected the saved login; undefined if none is saved. */
  refusal?: ChatError | undefined;
  /** Undefined without a terminal. */
  questions: Questions | undefined;
}

/** How many wrong passwords a person may type. */
const maxAttempts = 3;

/**
 * Gets a token with a password, for an existing account or, if the person agrees, for a new one.
 * @throws {ChatError} the server's error, or an error that names the missing input
 * @throws {PromptInterrupted} if the person cancels
 */
export async function logIn(options: LogInOptions): Promise<Credentials> {
  const { user, deviceId, questions, invite } = options;
  if (deviceId !== undefined || !questions) {
    return await (invite !== undefined && deviceId === undefined ? register(options) : logInWithPassword(options));
  }
  for (;;) {
    const line = await questions.ask(`No saved login for ${user}. Log in or register? [l/r]`);
    const answer = line?.trim().toLowerCase();
    if (answer === undefined) throw new ChatError("unauthenticated", "Not logged in.");
    if (answer !== "" && "register".startsWith(answer)) return await register(options);
    if (answer !== "" && "login".startsWith(answer.replace(" ", ""))) return await logInWithPassword(options);
  }
}

async function logInWithPassword(options: LogInOptions): Promise<Credentials> {
  const { transport, user, deviceId = "", deviceName, questions } = options;
  for (let left = maxAttempts;; left--) {
    const password = options.password ?? await requireQuestions(options).password(`Password for ${user}: `);
    try {
      const { credentials } = await transport.logIn({ user, password, deviceName, deviceId }, {});
      return requireCredentials(credentials);
    } catch (error) {
      if (options.password !== undefined || left <= 1) throw error;
      explainOrThrow(error, ["unauthenticated", "invalid_argument"], questions);
    }
  }
}

async function register(options: LogInOptions): Promise<Credentials> {
  const { transport, user, deviceName, questions } = options;
  let invite = options.invite ?? "";
  let password = options.password;
  for (;;) {
    try {
      password ??= await requireQuestions(options).newPassword({
        first: `New password for ${user}: `,
        again: "Repeat the password: ",
      });
      const { credentials } = await transport.register({ user, password, invite, deviceName }, {});
      return requireCredentials(credentials);
    } catch (error) {
      explainOrThrow(error, ["invalid_argument", "invite_invalid"], questions);
      if (error instanceof ChatError && error.code === "invite_invalid") {
        invite = (await questions?.ask("Invitation code:"))?.trim() ?? "";
        if (invite === "") throw error;
      } else {
        if (options.password !== undefined) throw error;
        password = undefined;
      }
    }
  }
}

function explainOrThrow(error: unknown, expected: readonly ChatErrorCode[], questions: Questions | undefined): void {
  if (!questions || !(error instanceof ChatError) || !expected.includes(error.code)) throw error;
  questions.tell(error.message);
}

function requireQuestions({ questions, refusal }: LogInOptions): Questions {
  if (questions) return questions;
  const why = refusal?.message ?? "There is no saved login.";
  throw new ChatError(
    "unauthenticated",
    `${why} There is no terminal to ask for the password: give it with --password-file FILE or in CHATD_PASSWORD.`,
  );
}

function requireCredentials(credentials: Credentials | undefined): Credentials {
  if (credentials) return credentials;
  throw new ChatError("internal", "The server accepted the password but sent no token.");
}
