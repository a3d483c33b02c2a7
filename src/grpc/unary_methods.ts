import type { Metadata, sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import type { Chat } from "../core/chat.ts";
import { ChatError, toChatError } from "../core/chat_error.ts";
import type { Log } from "../core/log.ts";
import { DeleteAccountRequest, LogInRequest, LogOutRequest, RegisterRequest } from "../gen/chatd/v1/auth.ts";
import {
  DeleteRequest,
  EditRequest,
  GetConversationRequest,
  HistoryRequest,
  ListConversationsRequest,
  ListReadersRequest,
  ListUsersRequest,
  ReactRequest,
  ReadRequest,
  SendRequest,
  SentRequest,
  WhoAmIRequest,
} from "../gen/chatd/v1/chat.ts";
import {
  CreateRoomRequest,
  InviteMemberRequest,
  JoinRoomRequest,
  LeaveRoomRequest,
  ListMembersRequest,
  ListRoomsRequest,
  RemoveMemberRequest,
  SetRoleRequest,
  SetTopicRequest,
  UnbanMemberRequest,
  UpdateRoomRequest,
} from "../gen/chatd/v1/rooms.ts";
import { SearchRequest } from "../gen/chatd/v1/search.ts";
import { BlockUserRequest, GetSettingsRequest, UpdateSettingsRequest } from "../gen/chatd/v1/settings.ts";
import { costOf } from "../session/request_costs.ts";
import { answer, type RequestContext, type RequestName } from "../session/request_handlers.ts";
import { toWireCredentials } from "../wire/convert.ts";
import { decodeStrictly, type MessageDecoder } from "../wire/strict_reader.ts";
import { peerAddress } from "./peer_address.ts";
import { toStatus } from "./status.ts";

export interface UnaryOptions {
  chat: Chat;
  log: Log;
  /** The call turned out to be the user's. @throws {ChatError} `limit_reached` when it is one too many. */
  onLogIn(call: LoggedInCall, user: string): void;
}

/** Which of a server's calls it is, and over which connection it comes. */
export interface LoggedInCall {
  readonly metadata: Metadata;
  /** "127.0.0.1:51234" */
  getPeer(): string;
}

type UnaryHandler = (call: ServerUnaryCall<Uint8Array, unknown>, callback: sendUnaryData<unknown>) => void;

/** Handlers for the single calls of ChatService; requests come undecoded. */
export function chatMethods(options: UnaryOptions) {
  const asInSession = <Request>(type: MessageDecoder<Request>, name: RequestName) => forUser(options, type, name);

  return {
    send: asInSession(SendRequest, "send"),
    history: asInSession(HistoryRequest, "history"),
    sent: asInSession(SentRequest, "sent"),
    listConversations: asInSession(ListConversationsRequest, "listConversations"),
    listUsers: asInSession(ListUsersRequest, "listUsers"),
    whoAmI: asInSession(WhoAmIRequest, "whoAmI"),
    edit: asInSession(EditRequest, "edit"),
    delete: asInSession(DeleteRequest, "delete"),
    react: asInSession(ReactRequest, "react"),
    getConversation: asInSession(GetConversationRequest, "getConversation"),
    createRoom: asInSession(CreateRoomRequest, "createRoom"),
    joinRoom: asInSession(JoinRoomRequest, "joinRoom"),
    leaveRoom: asInSession(LeaveRoomRequest, "leaveRoom"),
    updateRoom: asInSession(UpdateRoomRequest, "updateRoom"),
    setTopic: asInSession(SetTopicRequest, "setTopic"),
    inviteMember: asInSession(InviteMemberRequest, "inviteMember"),
    removeMember: asInSession(RemoveMemberRequest, "removeMember"),
    unbanMember: asInSession(UnbanMemberRequest, "unbanMember"),
    setRole: asInSession(SetRoleRequest, "setRole"),
    listRooms: asInSession(ListRoomsRequest, "listRooms"),
    listMembers: asInSession(ListMembersRequest, "listMembers"),
    read: asInSession(ReadRequest, "read"),
    listReaders: asInSession(ListReadersRequest, "listReaders"),
    getSettings: asInSession(GetSettingsRequest, "getSettings"),
    updateSettings: asInSession(UpdateSettingsRequest, "updateSettings"),
    blockUser: asInSession(BlockUserRequest, "blockUser"),
    search: asInSession(SearchRequest, "search"),
  };
}

/** Handlers for AuthService; requests come undecoded. */
export function authMethods(options: UnaryOptions) {
  const { accounts } = options.chat;
  return {
    register: unary(options, RegisterRequest, async (request, call) => {
      const credentials = await accounts.register({ ...request, address: peerAddress(call.getPeer()) });
      options.onLogIn(call, credentials.user);
      return { credentials: toWireCredentials(credentials) };
    }),
    logIn: unary(options, LogInRequest, async (request, call) => {
      const credentials = await accounts.logIn({ ...request, address: peerAddress(call.getPeer()) });
      options.onLogIn(call, credentials.user);
      return { credentials: toWireCredentials(credentials) };
    }),
    logOut: unary(options, LogOutRequest, async (_request, call) => {
      const { identity } = await authenticate(options, call);
      await accounts.logOut(identity);
      return {};
    }),
    deleteAccount: forUser(options, DeleteAccountRequest, "deleteAccount"),
  };
}

/** A handler that answers a user as a live session does, within the user's rate. */
function forUser<Request>(options: UnaryOptions, type: MessageDecoder<Request>, name: RequestName): UnaryHandler {
  return answering(options, async (call) => {
    const context = await authenticate(options, call);
    const request = decodeFor(context, type, call.request) as never;
    options.chat.admit(context.identity.user, costOf(name, request));
    return await answer(name, context, request);
  });
}

/** Decodes a request; a malformed one costs the user as much as a small one. */
function decodeFor<Request>({ chat, identity }: RequestContext, type: MessageDecoder<Request>, bytes: Uint8Array) {
  try {
    return decodeStrictly(type, bytes);
  } catch (error) {
    chat.admit(identity.user);
    throw error;
  }
}

/** A handler that decodes what comes, and answers with what `respond` makes of it or throws. */
export function unary<Request>(
  options: Pick<UnaryOptions, "chat" | "log">,
  type: MessageDecoder<Request>,
  respond: (request: Request, call: ServerUnaryCall<Uint8Array, unknown>) => Promise<unknown>,
): UnaryHandler {
  return answering(options, (call) => respond(decodeStrictly(type, call.request), call));
}

function answering(
  { chat, log }: Pick<UnaryOptions, "chat" | "log">,
  respond: (call: ServerUnaryCall<Uint8Array, unknown>) => Promise<unknown>,
): UnaryHandler {
  return async (call, callback) => {
    try {
      callback(null, await respond(call));
    } catch (error) {
      if (!(error instanceof ChatError)) log.error("call failed", { method: call.getPath(), error });
      chat.metrics.refused("grpc", toChatError(error).code);
      callback(toStatus(error));
    }
  };
}

/** Whose token the call shows. @throws {ChatError} `unauthenticated` and others that `Accounts.authenticate` throws. */
export async function authenticate(
  { chat, onLogIn }: UnaryOptions,
  call: ServerUnaryCall<Uint8Array, unknown>,
): Promise<RequestContext> {
  const [authorization] = call.metadata.get("authorization");
  const [, token] = /^bearer +(\S+)$/i.exec(String(authorization ?? "")) ?? [];
  if (token === undefined) {
    throw new ChatError("unauthenticated", 'This call needs metadata "authorization: Bearer TOKEN": log in first.');
  }
  const identity = await chat.accounts.authenticate(token);
  onLogIn(call, identity.user);
  return { chat, identity };
}
