import type { GrpcClientOptions } from "../../app/client/client_options.ts";
import { openGrpcTransport } from "../../app/client/grpc_transport.ts";
import { ChatError } from "../../core/chat_error.ts";
import { completePlace } from "../script/given_place.ts";
import { type GrpcProfile, requireProfile } from "../script/profiles.ts";
import { runChatClient } from "./run_chat_client.ts";

/** Options of `chatd grpc-client`: missing ones come from the profile. */
export interface GrpcClientCommandOptions
  extends Omit<GrpcClientOptions, "user" | "servers">, Partial<Pick<GrpcClientOptions, "user" | "servers">> {
  readonly profile?: string;
}

/** Chats over gRPC. @returns the exit code. @throws {ChatError} if it cannot start or continue */
export async function runGrpcClient({ profile: name, ...given }: GrpcClientCommandOptions): Promise<number> {
  const options = complete(given, name === undefined ? undefined : grpcProfile(name));
  return await runChatClient(await openGrpcTransport(options), options);
}

function complete(given: Omit<GrpcClientCommandOptions, "profile">, profile?: GrpcProfile): GrpcClientOptions {
  const { user = profile?.user, servers, tls } = given;
  if (user === undefined) throw new TypeError("a client needs a user or a profile");
  const flags = { tls: tls && true, insecure: given.insecure || undefined };
  const place = completePlace({ ...tls, ...flags, via: "grpc", user, servers }, profile);
  if (place.via !== "grpc") throw new TypeError("the transport was given");
  return { ...given, ...place };
}

function grpcProfile(name: string): GrpcProfile {
  const profile = requireProfile(name);
  if (profile.via === "grpc") return profile;
  throw new ChatError(
    "invalid_argument",
    `The profile "${name}" connects over RabbitMQ: use "chatd chat --profile ${name}".`,
  );
}
