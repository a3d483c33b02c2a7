import type { Chat } from "../core/chat.ts";
import { conversationAddress } from "../core/messages/message.ts";
import type { ConversationSummary } from "../core/messages/message_store.ts";
import type { CheckedDraft } from "../core/messages/submission.ts";
import type { Turn } from "../core/page_turns.ts";
import { isRoomId } from "../core/rooms/room.ts";
import type { Conversation, SendResponse } from "../gen/chatd/v1/chat.ts";
import type { Request } from "../gen/chatd/v1/session.ts";
import {
  toHistoryResponse,
  toSendResponse,
  toWhoAmIResponse,
  toWireConversation,
  toWireCredentials,
  toWireDevice,
  toWireMessage,
  toWirePin,
} from "../wire/convert.ts";
import { parseLimit } from "../wire/limits.ts";
import { fittingTexts } from "./page_texts.ts";
import { peopleHandlers } from "./people_handlers.ts";
import type {
  PageSizes,
  ReplyValues,
  RequestContext,
  RequestHandlers,
  RequestName,
  RequestValues,
} from "./request_types.ts";
import { roomHandlers } from "./room_handlers.ts";

/** Bytes of messages, display names and status texts in a page, which stays within a frame of 64 KiB. */
const maxConversationTexts = 24 * 1024;

/** The handler of each kind of request. */
export const requestHandlers: RequestHandlers = {
  ping: { isQuick: true, answer: () => ({}) },

  send: {
    isQuick: true,
    // A live session takes the two steps itself, because sends overlap.
    answer: async ({ chat: { posting }, identity, subscriber }, request) =>
      toSendResponse(await posting.submit(await posting.check(identity.user, request), subscriber)),
  },

  edit: {
    answer: async ({ chat, identity }, request) => ({
      entry: await post(chat, await chat.posting.checkEdit(identity.user, request)),
    }),
  },

  delete: {
    answer: async ({ chat, identity }, request) => ({
      entry: await post(chat, await chat.posting.checkDelete(identity.user, request)),
    }),
  },

  react: {
    answer: async ({ chat, identity }, request) => ({
      entry: await post(chat, await chat.posting.checkReaction(identity.user, request)),
    }),
  },

  pin: {
    answer: async ({ chat, identity }, request) => ({
      entry: await post(chat, await chat.posting.checkPin(identity.user, request)),
    }),
  },

  listPins: {
    page: { standard: 50, most: 50 },
    takesTurns: true,
    async answer({ chat, identity, turn }, request) {
      const { pins, more } = await chat.pins(identity.user, { ...request, turn });
      return { pins: pins.map(toWirePin), more };
    },
  },

  history: {
    page: { standard: 50, most: 200 },
    takesTurns: true,
    answer: async ({ chat, identity, turn }, request) =>
      toHistoryResponse(await chat.history(identity.user, { ...request, turn })),
  },

  getConversation: {
    takesTurns: true,
    async answer({ chat, identity }, request) {
      const summary = await chat.conversation(identity.user, request.with);
      return { conversation: (await withProfiles(chat, identity.user, { conversations: [summary] }))[0] };
    },
  },

  ...roomHandlers,

  sent: {
    page: { standard: 50, most: 200 },
    takesTurns: true,
    async answer({ chat, identity, turn }, request) {
      const { messages, more } = await chat.sent(identity.user, { ...request, turn });
      return { messages: messages.map(toWireMessage), more };
    },
  },

  // Takes turns by itself, once the index has answered.
  search: {
    cost: 10,
    page: { standard: 20, most: 50 },
    async answer({ chat, identity }, request) {
      const { messages, indexedUntil, ...page } = await chat.searches.find(identity.user, request);
      return { messages: messages.map(toWireMessage), ...page, indexedUntilMs: indexedUntil, head: chat.head };
    },
  },

  listConversations: {
    page: { standard: 50, most: 100 },
    takesTurns: true,
    async answer({ chat, identity, turn }, request) {
      const { conversations, more } = await chat.conversations(identity.user, { ...request, turn });
      const listed = await withProfiles(chat, identity.user, { conversations, turn });
      return { conversations: listed, more: more || listed.length < conversations.length };
    },
  },

  ...peopleHandlers,

  whoAmI: { isQuick: true, answer: ({ identity }) => toWhoAmIResponse(identity) },

  listDevices: {
    cost: 2,
    async answer({ chat, identity }) {
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
  },

  revokeDevice: {
    endsSession: ({ id }, { deviceId }) => id === deviceId,
    async answer({ chat, identity }, { id }) {
      await chat.accounts.revokeDevice(identity, id);
      return {};
    },
  },

  changePassword: {
    cost: 10,
    async answer({ chat, identity }, { currentPassword, newPassword }) {
      const passwords = { current: currentPassword, next: newPassword };
      return { credentials: toWireCredentials(await chat.accounts.changePassword(identity, passwords)) };
    },
  },

  deleteAccount: {
    cost: 10,
    endsSession: () => true,
    async answer({ chat, identity }, { password }) {
      await chat.deletion.deleteOwn(identity, password);
      return {};
    },
  },

  logOut: {
    endsSession: () => true,
    async answer({ chat, identity }) {
      await chat.accounts.logOut(identity);
      return {};
    },
  },
};

async function post(chat: Chat, draft: CheckedDraft): Promise<SendResponse> {
  return toSendResponse(await chat.posting.submit(draft));
}

/** Adds the peers' display names and status texts to conversations, as many as fit into one reply. */
async function withProfiles(
  { settings }: Chat,
  user: string,
  { conversations, turn }: { conversations: readonly ConversationSummary[]; turn?: Turn },
): Promise<Conversation[]> {
  const peers = conversations.filter(({ conversation }) => !isRoomId(conversation)).map(({ conversation }) =>
    conversationAddress(conversation, user)
  );
  const profiles = await settings.profilesOf(peers, turn);
  const profileOf = new Map(peers.map((peer, index) => [peer, profiles[index]]));
  const listed = conversations.map((summary) => {
    const profile = profileOf.get(conversationAddress(summary.conversation, user)) ?? { displayName: "", status: "" };
    return toWireConversation(summary, { user, profile });
  });
  return fittingTexts(listed, ({ last, displayName, status }) => [last?.text ?? "", displayName, status], {
    maxBytes: maxConversationTexts,
  });
}

/** Reports whether a request has a handler: hello, ack and requests of a newer protocol have none. */
export function hasHandler(kind: Request["kind"]): kind is NonNullable<Request["kind"]> & { $case: RequestName } {
  return kind !== undefined && Object.hasOwn(requestHandlers, kind.$case);
}

/** Answers one request. @throws {ChatError} */
export async function answer<Name extends RequestName>(
  name: Name,
  context: RequestContext,
  request: RequestValues[Name],
): Promise<ReplyValues[Name]> {
  const { page, takesTurns, answer } = requestHandlers[name];
  if (page !== undefined) request = withPageSize(request, page);
  if (!takesTurns) return await answer(context, request);
  return await context.chat.pages.run(
    context.identity.user,
    async (turn) => await answer({ ...context, turn }, request),
  );
}

/** Returns a request with a limit within its page sizes. @throws {ChatError} `invalid_argument` */
function withPageSize<Value>(request: Value, page: PageSizes): Value {
  const { limit } = request as { limit: number };
  return { ...request, limit: parseLimit(limit, page) };
}
