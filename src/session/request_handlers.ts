import type { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import type { CheckedDraft } from "../core/messages/posting.ts";
import type { SendResponse } from "../gen/chatd/v1/chat.ts";
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
import { peopleHandlers } from "./people_handlers.ts";
import { pageSizes } from "./request_costs.ts";
import type { ReplyValues, RequestContext, RequestHandlers, RequestName, RequestValues } from "./request_types.ts";
import { roomHandlers } from "./room_handlers.ts";

export type { RequestContext, RequestName } from "./request_types.ts";

/** Requests that read what may be much; a search takes its turn by itself, when the index has been asked. */
const pageRequests: ReadonlySet<RequestName> = new Set([
  "getConversation",
  "history",
  "listConversations",
  "listMembers",
  "listReaders",
  "listRooms",
  "listUsers",
  "sent",
]);

/** One handler for each kind of request, for live sessions and single calls alike. They throw `ChatError`. */
export const requestHandlers: RequestHandlers = {
  ping: () => ({}),

  send: async ({ chat, identity }, request) => toSendResponse(await chat.send(identity.user, request)),

  edit: async ({ chat, identity }, request) => {
    return { entry: await post(chat, await chat.posting.checkEdit(identity.user, request)) };
  },

  delete: async ({ chat, identity }, request) => {
    return { entry: await post(chat, await chat.posting.checkDelete(identity.user, request)) };
  },

  react: async ({ chat, identity }, request) => {
    return { entry: await post(chat, await chat.posting.checkReaction(identity.user, request)) };
  },

  history: async ({ chat, identity, turn }, request) => {
    const limit = parseLimit(request.limit, pageSizes.history);
    return toHistoryResponse(await chat.history(identity.user, { ...request, limit, turn }));
  },

  getConversation: async ({ chat, identity }, request) => {
    const summary = await chat.conversation(identity.user, request.with);
    return { conversation: toWireConversation(summary, identity.user) };
  },

  ...roomHandlers,

  sent: async ({ chat, identity, turn }, request) => {
    const limit = parseLimit(request.limit, pageSizes.sent);
    const { messages, more } = await chat.sent(identity.user, { ...request, limit, turn });
    return { messages: messages.map(toWireMessage), more };
  },

  search: async ({ chat, identity }, request) => {
    const limit = parseLimit(request.limit, pageSizes.search);
    const { messages, ...page } = await chat.searches.find(identity.user, { ...request, limit });
    return { messages: messages.map(toWireMessage), ...page, head: chat.head };
  },

  listConversations: async ({ chat, identity, turn }, request) => {
    const limit = parseLimit(request.limit, pageSizes.listConversations);
    const { conversations, more } = await chat.conversations(identity.user, { ...request, limit, turn });
    return { conversations: conversations.map((summary) => toWireConversation(summary, identity.user)), more };
  },

  ...peopleHandlers,

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

  deleteAccount: async ({ chat, identity }, { password }) => {
    await chat.deletion.deleteOwn(identity, password);
    return {};
  },

  logOut: async ({ chat, identity }) => {
    await chat.accounts.logOut(identity);
    return {};
  },
};

async function post(chat: Chat, draft: CheckedDraft): Promise<SendResponse> {
  return toSendResponse(await chat.posting.submit(draft));
}

/** Answers one request. @throws {ChatError} */
export async function answer<Name extends RequestName>(
  name: Name,
  context: RequestContext,
  request: RequestValues[Name],
): Promise<ReplyValues[Name]> {
  const handler = requestHandlers[name];
  if (handler === undefined) throw new ChatError("invalid_argument", "This server does not know this kind of request.");
  if (!pageRequests.has(name)) return await handler(context, request);
  return await context.chat.pages.run(
    context.identity.user,
    async (turn) => await handler({ ...context, turn }, request),
  );
}
