import type { Identity } from "../core/accounts.ts";
import type { Chat } from "../core/chat.ts";
import { parseUserName } from "../core/user_name.ts";
import type { Reply, Request } from "../gen/chatd/v1/session.ts";
import {
  toHistoryResponse,
  toSendResponse,
  toWhoAmIResponse,
  toWireConversation,
  toWireCredentials,
  toWireDevice,
  toWireMessage,
} from "../wire/convert.ts";
import { parseLimit } from "../wire/limits.ts";

/** Who asks whom. */
export interface RequestContext {
  readonly chat: Chat;
  readonly identity: Identity;
}

type RequestKind = NonNullable<Request["kind"]>;
type ReplyResult = NonNullable<Reply["result"]>;
type RequestValues = { [K in RequestKind as K["$case"]]: K["value"] };
type ReplyValues = { [R in ReplyResult as R["$case"]]: R["value"] };

/** What a client can ask for once it is logged in; hello and ack belong to the session itself. */
export type RequestName = Exclude<keyof RequestValues, "hello" | "ack">;

type RequestHandlers = {
  [Name in RequestName]: (
    context: RequestContext,
    request: RequestValues[Name],
  ) => ReplyValues[Name] | Promise<ReplyValues[Name]>;
};

const messagePage = { standard: 50, most: 200 };

/** One handler for each kind of request, for live sessions and single calls alike. They throw `ChatError`. */
export const requestHandlers: RequestHandlers = {
  ping: () => ({}),

  send: async ({ chat, identity }, request) => toSendResponse(await chat.send(identity.user, request)),

  history: async ({ chat, identity }, request) => {
    const limit = parseLimit(request.limit, messagePage);
    return toHistoryResponse(await chat.history(identity.user, { ...request, limit }));
  },

  sent: async ({ chat, identity }, request) => {
    const limit = parseLimit(request.limit, messagePage);
    const { messages, more } = await chat.sent(identity.user, { ...request, limit });
    return { messages: messages.map(toWireMessage), more };
  },

  listConversations: async ({ chat, identity }, request) => {
    const limit = parseLimit(request.limit, { standard: 50, most: 100 });
    const { conversations, more } = await chat.conversations(identity.user, { ...request, limit });
    return { conversations: conversations.map((summary) => toWireConversation(summary, identity.user)), more };
  },

  listUsers: async ({ chat }, request) => {
    const limit = parseLimit(request.limit, { standard: 200, most: 1000 });
    const after = request.after === "" ? "" : parseUserName(request.after);
    const users = await chat.accounts.listUsers({ after, limit: limit + 1 });
    return {
      users: users.slice(0, limit).map(({ name }) => ({ name, online: chat.presence.isOnline(name) })),
      more: users.length > limit,
    };
  },

  whoAmI: (context) => toWhoAmIResponse(context.identity),

  listDevices: async ({ chat, identity }) => {
    const devices = await chat.accounts.listDevices(identity);
    return {
      devices: devices.map((device) =>
        toWireDevice(device, {
          current: device.id === identity.deviceId,
          online: chat.live.isDeviceOnline(identity.user, device.id),
        })
      ),
    };
  },

  revokeDevice: async ({ chat, identity }, request) => {
    await chat.accounts.revokeDevice(identity, request.id);
    return {};
  },

  changePassword: async ({ chat, identity }, request) => {
    const credentials = await chat.accounts.changePassword(identity, {
      current: request.currentPassword,
      next: request.newPassword,
    });
    return { credentials: toWireCredentials(credentials) };
  },

  logOut: async ({ chat, identity }) => {
    await chat.accounts.logOut(identity);
    return {};
  },
};

/** Answers one request. @throws {ChatError} */
export async function answer<Name extends RequestName>(
  name: Name,
  context: RequestContext,
  request: RequestValues[Name],
): Promise<ReplyValues[Name]> {
  return await requestHandlers[name](context, request);
}
