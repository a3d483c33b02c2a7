import type { Accounts } from "../../core/accounts/accounts.ts";
import { ChatError } from "../../core/chat_error.ts";
import { LogInRequest, LogInResponse, RegisterRequest, RegisterResponse } from "../../gen/chatd/v1/auth.ts";
import { toWireCredentials } from "../../wire/convert.ts";
import type { Incoming } from "../incoming.ts";
import { messageTypes } from "../message_types.ts";
import { decodePayload, encodePayload } from "../payload.ts";
import { registrationUser } from "../topology.ts";
import type { Outgoing } from "./publisher.ts";

export interface AccountRequestsOptions {
  readonly accounts: Accounts;
  /** Broker users are not chatd accounts: the publisher of a message proves nothing. */
  readonly sharedLogin: boolean;
}

/**
 * Creates a token. The login to the broker proves the user's name but not the right to a token, so the password is
 * checked again, and failures count as everywhere.
 * @throws {ChatError} the errors of `Accounts.logIn`, `permission_denied` for the name of another user
 */
export async function logIn(
  incoming: Incoming,
  { accounts, sharedLogin }: AccountRequestsOptions,
): Promise<Outgoing> {
  const { format, content, user } = incoming;
  const request = decodePayload(content, { decoder: LogInRequest, name: messageTypes.logIn, format });
  if (!sharedLogin && request.user !== user) {
    throw new ChatError(
      "permission_denied",
      `You are logged in to the broker as "${user}". Log in with the same name.`,
    );
  }
  // The broker does not pass on addresses: each name counts as an address of its own.
  const credentials = await accounts.logIn({ ...request, address: `amqp ${request.user.slice(0, 32)}` });
  const bytes = LogInResponse.encode({ credentials: toWireCredentials(credentials) }).finish();
  const type = messageTypes.loggedIn;
  return { type, format, content: encodePayload(bytes, { name: type, format }) };
}

/**
 * Registers a user.
 * @throws {ChatError} the errors of `Accounts.register`, `permission_denied` for a user with an account
 */
export async function register(
  incoming: Incoming,
  { accounts, sharedLogin }: AccountRequestsOptions,
): Promise<Outgoing> {
  const { format, content, user } = incoming;
  if (!sharedLogin && user !== registrationUser) {
    throw new ChatError("permission_denied", `Log in to the broker as "${registrationUser}" to register.`);
  }
  if (incoming.type !== messageTypes.register) {
    throw new ChatError("invalid_argument", `This queue accepts only messages of the type ${messageTypes.register}.`);
  }
  const request = decodePayload(content, { decoder: RegisterRequest, name: messageTypes.register, format });
  const credentials = await accounts.register({ ...request, address: "amqp registration" });
  const bytes = RegisterResponse.encode({ credentials: toWireCredentials(credentials) }).finish();
  const type = messageTypes.registered;
  return { type, format, content: encodePayload(bytes, { name: type, format }) };
}
