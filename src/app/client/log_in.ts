import type { Transport } from "../../client/transport.ts";
import { ChatError, type ChatErrorCode } from "../../core/chat_error.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { promptNewPassword, promptPassword } from "../../terminal/input/password_prompt.ts";
import { askLine, promptTerminal } from "../../terminal/input/process_input.ts";

/** How a person is asked; replaced by tests. */
export interface Questions {
  /** One line, shown as it is typed; undefined when there is no answer. */
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
  /** The device that this machine was before, if it is known here. */
  deviceId: string | undefined;
  deviceName: string;
  /** Given beforehand, so that nobody is asked for it. */
  password: string | undefined;
  invite: string | undefined;
  /** Why the server did not take the login that is saved; undefined when none is. */
  refusal?: ChatError | undefined;
  /** Undefined when nobody is there to be asked. */
  questions: Questions | undefined;
}

/** Wrong passwords that a person may type before the program ends. */
const tries = 3;

/**
 * Gets a token with a password, for an account that exists or, with the person's consent, for a new one.
 * @throws {ChatError} what the server said, or what is missing
 * @throws {PromptInterrupted} when the person does not go on
 */
export async function logIn(options: LogInOptions): Promise<Credentials> {
  const { user, deviceId, questions, invite } = options;
  if (deviceId !== undefined || !questions) {
    return await (invite !== undefined && deviceId === undefined ? register(options) : enter(options));
  }
  for (;;) {
    const line = await questions.ask(`${user} has no account saved here: log in or register? [l/r]`);
    const answer = line?.trim().toLowerCase();
    if (answer === undefined) throw new ChatError("unauthenticated", "Not logged in.");
    if (answer !== "" && "register".startsWith(answer)) return await register(options);
    if (answer !== "" && "login".startsWith(answer.replace(" ", ""))) return await enter(options);
  }
}

async function enter(options: LogInOptions): Promise<Credentials> {
  const { transport, user, deviceId = "", deviceName, questions } = options;
  for (let left = tries;; left--) {
    const password = options.password ?? await required(options).password(`Password of ${user}: `);
    try {
      const { credentials } = await transport.logIn({ user, password, deviceName, deviceId }, {});
      return complete(credentials);
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
      password ??= await required(options).newPassword({
        first: `New password of ${user}: `,
        again: "The same again: ",
      });
      const { credentials } = await transport.register({ user, password, invite, deviceName }, {});
      return complete(credentials);
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

function required({ questions, refusal }: LogInOptions): Questions {
  if (questions) return questions;
  const why = refusal?.message ?? "No login is saved here.";
  throw new ChatError(
    "unauthenticated",
    `${why} There is no terminal to ask for the password at: give it with --password-file FILE or in CHATD_PASSWORD.`,
  );
}

function complete(credentials: Credentials | undefined): Credentials {
  if (credentials) return credentials;
  throw new ChatError("internal", "The server took the password but sent no token.");
}
