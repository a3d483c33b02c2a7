import { openAmqpTransport } from "../../app/client/amqp_transport.ts";
import type { AmqpClientOptions } from "../../app/client/client_options.ts";
import { ChatError } from "../../core/chat_error.ts";
import { completePlace } from "../script/given_place.ts";
import { type AmqpProfile, requireProfile } from "../script/profiles.ts";
import { runChatClient } from "./run_chat_client.ts";

/** Options of `chatd amqp-client`: missing ones come from the profile. */
export interface AmqpClientCommandOptions
  extends Omit<AmqpClientOptions, "user" | "broker">, Partial<Pick<AmqpClientOptions, "user" | "broker">> {
  readonly profile?: string;
}

/** Chats over a broker. @returns the exit code. @throws {ChatError} if it cannot start or continue */
export async function runAmqpClient({ profile: name, ...given }: AmqpClientCommandOptions): Promise<number> {
  const options = complete(given, name === undefined ? undefined : amqpProfile(name));
  return await runChatClient(await openAmqpTransport(options), options);
}

function complete(given: Omit<AmqpClientCommandOptions, "profile">, profile?: AmqpProfile): AmqpClientOptions {
  const { user = profile?.user, broker, caFile } = given;
  if (user === undefined) throw new TypeError("a client needs a user or a profile");
  const place = completePlace({ via: "amqp", user, broker, caFile, insecure: given.insecure || undefined }, profile);
  if (place.via !== "amqp") throw new TypeError("the transport was given");
  return { ...given, ...place };
}

function amqpProfile(name: string): AmqpProfile {
  const profile = requireProfile(name);
  if (profile.via === "amqp") return profile;
  throw new ChatError(
    "invalid_argument",
    `The profile "${name}" connects over gRPC: use "chatd chat --profile ${name}".`,
  );
}
