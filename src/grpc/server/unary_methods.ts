import type { Chat } from "../../core/chat.ts";
import { ChatError, toChatError } from "../../core/chat_error.ts";
import type { Log } from "../../core/log.ts";
import { DeleteAccountRequest, LogInRequest, LogOutRequest, RegisterRequest } from "../../gen/chatd/v1/auth.ts";
import { AuthServiceDefinition } from "../../gen/chatd/v1/auth_service.ts";
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
} from "../../gen/chatd/v1/chat.ts";
import { ChatServiceDefinition } from "../../gen/chatd/v1/chat_service.ts";
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
} from "../../gen/chatd/v1/rooms.ts";
import { SearchRequest } from "../../gen/chatd/v1/search.ts";
import { BlockUserRequest, GetSettingsRequest, UpdateSettingsRequest } from "../../gen/chatd/v1/settings.ts";
import { costOf } from "../../session/request_costs.ts";
import { answer } from "../../session/request_handlers.ts";
import type { RequestContext, RequestName } from "../../session/request_types.ts";
import { toWireCredentials } from "../../wire/convert.ts";
import { decodeStrictly, type MessageDecoder } from "../../wire/strict_reader.ts";
import type { Device } from "./client_connection.ts";
import type { IncomingCall, Method } from "./incoming_call.ts";
import { methodsOf, type Responder } from "./methods.ts";

export interface UnaryOptions {
  chat: Chat;
  log: Log;
  /** A device logged in by a call. @throws {ChatError} `limit_reached` when the call is one too many of its user. */
  onLogIn(call: IncomingCall, device: Device): void;
}

interface UnaryMethod {
  readonly respond: Responder;
}

/** Returns the methods of ChatService. */
export function chatMethods(options: UnaryOptions, connect: Method): [path: string, method: Method][] {
  const asInSession = <Request>(type: MessageDecoder<Request>, name: RequestName) => forUser(options, type, name);

  return methodsOf(ChatServiceDefinition, {
    connect: { open: connect },
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
  });
}

/** Returns the methods of AuthService. */
export function authMethods(options: UnaryOptions): [path: string, method: Method][] {
  const { accounts } = options.chat;
  return methodsOf(AuthServiceDefinition, {
    register: unary(options, RegisterRequest, async (request, call) => {
      const credentials = await accounts.register({ ...request, address: call.connection.address });
      options.onLogIn(call, credentials);
      return { credentials: toWireCredentials(credentials) };
    }),
    logIn: unary(options, LogInRequest, async (request, call) => {
      const credentials = await accounts.logIn({ ...request, address: call.connection.address });
      options.onLogIn(call, credentials);
      return { credentials: toWireCredentials(credentials) };
    }),
    logOut: unary(options, LogOutRequest, async (_request, call) => {
      const { identity } = await authenticate(options, call);
      await accounts.logOut(identity);
      return {};
    }),
    deleteAccount: forUser(options, DeleteAccountRequest, "deleteAccount"),
  });
}

/** Returns a method that answers a user as a live session does, within the user's rate. */
function forUser<Request>(options: UnaryOptions, type: MessageDecoder<Request>, name: RequestName): UnaryMethod {
  return answering(options, async (bytes, call) => {
    const context = await authenticate(options, call);
    const request = decodeFor(context, type, bytes) as never;
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

/** Returns a method that decodes its request, and answers with the response that `respond` returns. */
export function unary<Request>(
  options: Pick<UnaryOptions, "chat" | "log">,
  type: MessageDecoder<Request>,
  respond: (request: Request, call: IncomingCall) => Promise<unknown>,
): UnaryMethod {
  return answering(options, (bytes, call) => respond(decodeStrictly(type, bytes), call));
}

/** Counts and logs failures. */
function answering({ chat, log }: Pick<UnaryOptions, "chat" | "log">, respond: Responder): UnaryMethod {
  return {
    async respond(bytes, call) {
      try {
        return await respond(bytes, call);
      } catch (error) {
        if (!(error instanceof ChatError)) log.error("call failed", { method: call.path, error });
        chat.metrics.refused("grpc", toChatError(error).code);
        throw error;
      }
    },
  };
}

/** Returns the user whose token the call shows. @throws {ChatError} `unauthenticated` and others that `Accounts.authenticate` throws. */
export async function authenticate({ chat, onLogIn }: UnaryOptions, call: IncomingCall): Promise<RequestContext> {
  const token = bearerToken(call);
  if (token === undefined) {
    throw new ChatError("unauthenticated", 'This call needs metadata "authorization: Bearer TOKEN": log in first.');
  }
  // Within the last look at revocations: the connection hears of each that comes later.
  const identity = await chat.accounts.authenticate(token, (identity) => onLogIn(call, identity));
  return { chat, identity };
}

/**
 * Logs in the first caller of a connection before its message is whole: messages that come in turn may need more of the window
 * than a stranger has. A call that cannot log in is refused by its method.
 */
export async function recognize(options: UnaryOptions, call: IncomingCall): Promise<void> {
  if (call.connection.owner !== undefined || bearerToken(call) === undefined) return;
  await authenticate(options, call).catch(() => {});
}

function bearerToken(call: IncomingCall): string | undefined {
  return /^bearer +(\S+)$/i.exec(call.metadata("authorization") ?? "")?.[1];
}
