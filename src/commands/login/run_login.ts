import { ClientState } from "../../app/client/client_state.ts";
import { ChatError } from "../../core/chat_error.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, connectionOf, openConnection } from "../script/connection.ts";
import { jsonLine, Output, tell } from "../script/output.ts";
import { type Profile, profileNames, readProfile, removeProfile, saveProfile } from "../script/profiles.ts";
import { withClient } from "../script/request_client.ts";

/** What `chatd login` is asked to do. */
export interface ScriptLoginOptions extends Pick<ConnectionChoice, "passwordFile" | "password"> {
  /** The name to keep it under. */
  readonly name: string;
  readonly profile: Profile;
  readonly invite?: string;
}

/** What `chatd logout` is asked to do. */
export interface LogoutOptions {
  readonly name: string;
}

/** What `chatd profiles` is asked to do. */
export interface ProfilesOptions {
  readonly json: boolean;
}

/** Logs in, with what is saved or else a password, and keeps the way there. */
export async function runLogin({ name, profile, ...secrets }: ScriptLoginOptions): Promise<number> {
  const connection = await connectionOf(profile, secrets);
  const user = await withClient(connection, (_client, hello) => Promise.resolve(hello.user));
  saveProfile(name, profile);
  tell(`Logged in as ${user} at ${connection.transport.address}; profile "${name}".`);
  return exitCode.done;
}

/** Ends the token, on the server and here, and forgets the profile. */
export async function runLogout({ name }: LogoutOptions): Promise<number> {
  const connection = await openConnection({ profile: name });
  const { state, transport, user } = connection;
  try {
    if (state.read().token !== undefined) await withClient(connection, (client) => client.logOut());
  } catch (error) {
    // Dead already, as far as the server is concerned.
    if (!(error instanceof ChatError) || !["unauthenticated", "token_revoked"].includes(error.code)) throw error;
  }
  state.update(({ token: _dead, ...rest }) => rest);
  removeProfile(name);
  tell(`Logged out ${user} at ${transport.address}.`);
  return exitCode.done;
}

/** Lists profiles: the name, the user, the transport, where it leads, and whether a login is saved. */
export async function runProfiles({ json }: ProfilesOptions): Promise<number> {
  const output = new Output();
  for (const name of profileNames()) {
    const profile = readProfile(name);
    if (profile === undefined) continue;
    const { transport, user } = await connectionOf(profile, {});
    const { address } = transport;
    const loggedIn = new ClientState({ server: address, user }).read().token !== undefined;
    const record = { name, user, via: profile.via, address, loggedIn };
    const text = [name, user, profile.via, address, loggedIn ? "logged in" : "logged out"].join("\t");
    await output.line(json ? jsonLine(record) : text);
  }
  return exitCode.done;
}
