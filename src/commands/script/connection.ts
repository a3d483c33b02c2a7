import { ClientState } from "../../app/client/client_state.ts";
import { Login, type LoginOptions } from "../../app/client/saved_login.ts";
import { identityOf, type Transport } from "../../client/transport.ts";
import { completePlace, type GivenPlace } from "./given_place.ts";
import { defaultProfile, missingProfile, type Profile, readProfile } from "./profiles.ts";

/** The user and server of a script command: a profile, or options of the command. */
export interface ConnectionChoice {
  /** The default profile unless given. */
  readonly profile?: string;
  /** Settings that replace those of the profile. */
  readonly given?: GivenPlace;
  /** A complete connection, without a profile. */
  readonly direct?: Profile;
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
}

/** A transport to a server, with the user who logs in. */
export interface ScriptConnection {
  readonly transport: Transport;
  readonly user: string;
  readonly state: ClientState;
  readonly login: Login;
  /** The profile, if one was used. */
  readonly profile: string | undefined;
}

/** @throws {ChatError} `unauthenticated` if there is no such profile; `invalid_argument` */
export async function openConnection(choice: ConnectionChoice): Promise<ScriptConnection> {
  if (choice.direct !== undefined) return await connectionOf(choice.direct, choice);
  const name = choice.profile ?? defaultProfile;
  const profile = readProfile(name);
  const { given = {} } = choice;
  const user = given.user ?? profile?.user;
  if (user === undefined || (profile === undefined && choice.profile !== undefined)) {
    throw missingProfile(name);
  }
  const chosen = completePlace({ ...given, user }, profile);
  return { ...await connectionOf(chosen, choice), profile: profile && name };
}

/** @param choice the password, and the invitation of a new user */
export async function connectionOf(
  profile: Profile,
  choice: Pick<ConnectionChoice, "password" | "passwordFile"> & Pick<LoginOptions, "invite" | "checkPassword">,
): Promise<ScriptConnection> {
  const transport = await openTransport(profile);
  const { user, ownLogin } = profile;
  const state = new ClientState({ server: identityOf(transport), user, ownLogin });
  const { password, passwordFile, invite, checkPassword } = choice;
  const login = new Login(transport, { user, ownLogin, password, passwordFile, invite, checkPassword }, state);
  return { transport, user, state, login, profile: undefined };
}

/** Opens the transport of a profile, whose code is loaded only for it. */
export async function openTransport(profile: Profile): Promise<Transport> {
  if (profile.via === "grpc") {
    const { openGrpcTransport } = await import("../../app/client/grpc_transport.ts");
    return await openGrpcTransport({ ...profile, delivery: "stream" });
  }
  const { openAmqpTransport } = await import("../../app/client/amqp_transport.ts");
  return await openAmqpTransport(profile);
}
