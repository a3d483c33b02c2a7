import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { readPasswordFile } from "../password_source.ts";
import type { ClientState } from "./client_state.ts";
import { logIn, terminalQuestions } from "./log_in.ts";

/** The user and credentials of a login; a person is asked for missing ones. */
export interface LoginOptions {
  readonly user: string;
  /** The name of a login of its own, as in `ClientStateOptions`. */
  readonly ownLogin?: string;
  readonly passwordFile?: string;
  readonly password?: string;
  readonly invite?: string;
  /** Logs in with the password even if a token is saved. */
  readonly checkPassword?: boolean;
}

export function saveCredentials(state: ClientState, { token, deviceId }: Credentials): void {
  state.update((saved) => ({ ...saved, token, deviceId }));
}

/** Provides a token: the saved one, else a new one for a password. */
export class Login {
  readonly #transport: Transport;
  readonly #options: LoginOptions;
  readonly #state: ClientState;
  /** The token that this run obtained with a password. */
  #fresh: string | undefined;
  /**
   * A saved token that was refused. It stays saved until another login succeeds, because the server's clock may be
   * wrong.
   */
  #refused: { readonly token: string; readonly error: ChatError } | undefined;

  constructor(transport: Transport, options: LoginOptions, state: ClientState) {
    this.#transport = transport;
    this.#options = options;
    this.#state = state;
  }

  /** Whether {@link token} asks a person for the password. */
  get asksPerson(): boolean {
    const { password, passwordFile } = this.#options;
    const { token } = this.#state.read();
    const isSaved = token !== undefined && token !== this.#refused?.token;
    return !isSaved && password === undefined && passwordFile === undefined && Deno.stdin.isTerminal();
  }

  async token(): Promise<string> {
    const { token, deviceId } = this.#state.read();
    const { user, ownLogin, invite, passwordFile, password, checkPassword = false } = this.#options;
    const isChecked = !checkPassword || this.#fresh !== undefined;
    if (token !== undefined && token !== this.#refused?.token && isChecked) return token;
    this.#state.requireWritable();
    const credentials = await logIn({
      transport: this.#transport,
      user,
      invite,
      deviceId,
      deviceName: deviceName(ownLogin),
      password: passwordFile === undefined ? password : await readPasswordFile(passwordFile),
      questions: Deno.stdin.isTerminal() ? terminalQuestions : undefined,
      refusal: this.#refused?.error,
    });
    saveCredentials(this.#state, credentials);
    return this.#fresh = credentials.token;
  }

  /**
   * Whether another attempt may succeed: with a password instead of a saved token, or with a token that another process
   * has saved meanwhile.
   */
  canRetry(error: unknown, used: string): boolean {
    if (!(error instanceof ChatError)) return false;
    if (error.code !== "unauthenticated" && error.code !== "token_revoked") return false;
    const { token } = this.#state.read();
    if (token !== used) return token !== undefined;
    this.#refused = { token: used, error };
    if (used === this.#fresh) return false;
    if (Deno.stdin.isTerminal()) console.error(`chatd: ${error.message}`);
    return true;
  }
}

/** Returns the name for the user's list of devices, without asking for a permission. */
function deviceName(ownLogin: string | undefined): string {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  const machine = state === "granted" ? `chatd on ${Deno.hostname()}` : "chatd";
  return ownLogin === undefined ? machine : `${machine}, profile ${ownLogin}`;
}
