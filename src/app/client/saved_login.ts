import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import type { Credentials } from "../../gen/chatd/v1/auth.ts";
import { readPasswordFile } from "../password_source.ts";
import type { ClientState } from "./client_state.ts";
import { logIn, terminalQuestions } from "./log_in.ts";

/** Who logs in, and with what; a person is asked for what is missing. */
export interface LoginOptions {
  readonly user: string;
  readonly passwordFile?: string;
  readonly password?: string;
  readonly invite?: string;
}

export function saveCredentials(state: ClientState, { token, deviceId }: Credentials): void {
  state.update((saved) => ({ ...saved, token, deviceId }));
}

/** Where the token comes from: what is saved, else a password. */
export class Login {
  readonly #transport: Transport;
  readonly #options: LoginOptions;
  readonly #state: ClientState;
  /** A token that a password was given for in this run. */
  #fresh: string | undefined;
  /** The refusal of a saved token. It stays saved until another login succeeds: the server's clock may be wrong. */
  #refused: { readonly token: string; readonly error: ChatError } | undefined;

  constructor(transport: Transport, options: LoginOptions, state: ClientState) {
    this.#transport = transport;
    this.#options = options;
    this.#state = state;
  }

  async token(): Promise<string> {
    const { token, deviceId } = this.#state.read();
    if (token !== undefined && token !== this.#refused?.token) return token;
    const { user, invite, passwordFile, password } = this.#options;
    const credentials = await logIn({
      transport: this.#transport,
      user,
      invite,
      deviceId,
      deviceName: deviceName(),
      password: passwordFile === undefined ? password : await readPasswordFile(passwordFile),
      questions: Deno.stdin.isTerminal() ? terminalQuestions : undefined,
      refusal: this.#refused?.error,
    });
    saveCredentials(this.#state, credentials);
    return this.#fresh = credentials.token;
  }

  /** A password may be given instead of a refused token from an earlier run, and another terminal may have saved a new one. */
  mayTryAgain(error: unknown, used: string): boolean {
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

/** For the user's list of devices; asks for no permission that was not given. */
function deviceName(): string {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? `chatd on ${Deno.hostname()}` : "chatd";
}
