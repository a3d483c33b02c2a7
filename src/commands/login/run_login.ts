import { ClientState } from "../../app/client/client_state.ts";
import { withPositionsOf } from "../../app/client/saved_positions.ts";
import { identityOf } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { exitCode } from "../exit_code.ts";
import { type ConnectionChoice, connectionOf, openConnection } from "../script/connection.ts";
import { jsonLine, Output, printNotice } from "../script/output.ts";
import {
  defaultProfile,
  haveSameLogin,
  isSameUser,
  type Profile,
  profileNames,
  readProfile,
  removeProfile,
  requireProfile,
  saveProfile,
} from "../script/profiles.ts";
import { withClient } from "../script/request_client.ts";

/** Options of `chatd login`. */
export interface ScriptLoginOptions extends Pick<ConnectionChoice, "passwordFile" | "password"> {
  /** The name of the profile to save. */
  readonly name: string;
  readonly profile: Profile;
  readonly invite?: string;
  /** How long the login may take, with retries, in milliseconds; one attempt unless given. */
  readonly timeoutMs?: number;
}

/** Options of `chatd logout`. */
export interface LogoutOptions {
  readonly name: string;
  /** As for the login. */
  readonly timeoutMs?: number;
}

/** Options of `chatd profiles`. */
export interface ProfilesOptions {
  readonly json: boolean;
}

/** Logs in, with a password if one is given and otherwise with a saved token, and saves the profile. */
export async function runLogin({ name, profile: place, timeoutMs, ...secrets }: ScriptLoginOptions): Promise<number> {
  const profile = name === defaultProfile ? place : { ...place, ownLogin: name };
  const connection = await connectionOf(profile, {
    ...secrets,
    checkPassword: secrets.password !== undefined || secrets.passwordFile !== undefined,
  });
  const user = await withClient(connection, (_client, hello) => Promise.resolve(hello.user), { timeoutMs });
  const before = validProfile(name);
  if (before !== undefined && !haveSameLogin(before, profile) && isSameUser(before, profile)) {
    const older = new ClientState({ server: identityOf(connection.transport), user: before.user }).read();
    connection.state.update((saved) => withPositionsOf(saved, older));
  }
  saveProfile(name, profile);
  printNotice(`Logged in as ${user} at ${connection.transport.address}; profile "${name}".`);
  return exitCode.done;
}

/** Deletes the profile, and revokes and deletes its token unless another profile of an older version shares it. */
export async function runLogout({ name, timeoutMs }: LogoutOptions): Promise<number> {
  const connection = await openConnection({ profile: name });
  const { state, transport, user } = connection;
  const [sharer] = profilesWithLoginOf(name);
  if (sharer !== undefined) {
    removeProfile(name);
    printNotice(`Removed the profile "${name}". The profile "${sharer}" keeps the login that both had.`);
    return exitCode.done;
  }
  state.requireWritable();
  try {
    if (state.read().token !== undefined) await withClient(connection, (client) => client.logOut(), { timeoutMs });
  } catch (error) {
    // The server has already revoked the token.
    if (!(error instanceof ChatError) || !["unauthenticated", "token_revoked"].includes(error.code)) throw error;
  }
  state.update(({ token: _dead, ...rest }) => rest);
  removeProfile(name);
  printNotice(`Logged out ${user} at ${transport.address}.`);
  return exitCode.done;
}

/** Returns the names of the other profiles that use the same saved login. */
function profilesWithLoginOf(name: string): string[] {
  const profile = requireProfile(name);
  return profileNames().filter((other) => {
    const another = other === name ? undefined : validProfile(other);
    return another !== undefined && haveSameLogin(profile, another);
  });
}

/** Returns a profile; undefined if there is none, or only a damaged file. */
function validProfile(name: string): Profile | undefined {
  try {
    return readProfile(name);
  } catch (error) {
    if (error instanceof ChatError) return undefined;
    throw error;
  }
}

/** Lists profiles: name, user, transport, address, and whether a login is saved. */
export async function runProfiles({ json }: ProfilesOptions): Promise<number> {
  const output = new Output();
  for (const name of profileNames()) {
    const profile = readProfile(name);
    if (profile === undefined) continue;
    const { transport: { address }, user, state } = await connectionOf(profile, {});
    const loggedIn = state.read().token !== undefined;
    const record = { name, user, via: profile.via, address, loggedIn };
    const text = [name, user, profile.via, address, loggedIn ? "logged in" : "logged out"].join("\t");
    await output.line(json ? jsonLine(record) : text);
  }
  return exitCode.done;
}
