import { ClientState } from "../../app/client/client_state.ts";
import { Login } from "../../app/client/saved_login.ts";
import type { Transport } from "../../client/transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { defaultProfile, type Profile, readProfile } from "./profiles.ts";

/** How a command for scripts is told whom to be, and where: by a profile, or by options of its own (`via`). */
export interface ConnectionChoice {
  readonly profile?: string;
  readonly direct?: Profile;
  readonly passwordFile?: string;
  /** From `CHATD_PASSWORD`. Never log it. */
  readonly password?: string;
}

/** A way to a server, and who goes it. */
export interface ScriptConnection {
  readonly transport: Transport;
  readonly user: string;
  readonly state: ClientState;
  readonly login: Login;
  /** Where the choice came from one. */
  readonly profile: string | undefined;
}

/** @throws {ChatError} `unauthenticated` when there is no such profile; `invalid_argument` */
export async function openConnection(choice: ConnectionChoice): Promise<ScriptConnection> {
  if (choice.direct !== undefined) return await connectionOf(choice.direct, choice);
  const name = choice.profile ?? defaultProfile;
  const profile = readProfile(name);
  if (profile === undefined) {
    const option = name === defaultProfile ? "" : ` --profile ${name}`;
    throw new ChatError(
      "unauthenticated",
      `There is no profile "${name}": create it with "chatd login${option} --user NAME", or use --via.`,
    );
  }
  return { ...await connectionOf(profile, choice), profile: name };
}

/** @param choice for the password, and an invitation where somebody registers */
export async function connectionOf(
  profile: Profile,
  choice: Pick<ConnectionChoice, "password" | "passwordFile"> & { readonly invite?: string },
): Promise<ScriptConnection> {
  const transport = await openTransport(profile);
  const { user } = profile;
  const state = new ClientState({ server: transport.address, user });
  const { password, passwordFile, invite } = choice;
  const login = new Login(transport, { user, password, passwordFile, invite }, state);
  return { transport, user, state, login, profile: undefined };
}

async function openTransport(profile: Profile): Promise<Transport> {
  if (profile.via === "grpc") {
    const { openGrpcTransport } = await import("../../app/client/grpc_transport.ts");
    return await openGrpcTransport({ ...profile, delivery: "stream" });
  }
  const { openAmqpTransport } = await import("../../app/client/amqp_transport.ts");
  return await openAmqpTransport(profile);
}
