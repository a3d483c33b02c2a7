import { parseUserName } from "../core/accounts/user_name.ts";
import { ChatError } from "../core/chat_error.ts";
import { PresenceState } from "../gen/chatd/v1/chat.ts";
import { toWirePresence } from "../wire/notices.ts";
import { parseSettingsChange, toWireSettings } from "../wire/settings.ts";
import type { RequestContext, RequestHandlers } from "./request_types.ts";

/** Users to read in one step of a page. */
const readAtOnce = 250;

/** The handlers of requests about other users, receipts and settings. */
export const peopleHandlers: RequestHandlers<
  "listUsers" | "read" | "listReaders" | "typing" | "setAway" | "getSettings" | "updateSettings" | "blockUser"
> = {
  listUsers: {
    page: { standard: 200, most: 1000 },
    takesTurns: true,
    async answer(context, request) {
      const { chat, identity, turn } = context;
      const { limit } = request;
      const after = request.after === "" ? "" : parseUserName(request.after);
      const found = await findNames(context, { after, limit: limit + 1 });
      const names = found.slice(0, limit);
      const seen = await chat.presence.see(identity.user, names, turn);
      return {
        users: names.map((name, index) => {
          const { state, lastSeenAt } = seen[index];
          return {
            name,
            online: state === "online" || state === "away",
            state: state === undefined ? PresenceState.UNSPECIFIED : toWirePresence(state),
            lastSeenMs: lastSeenAt,
          };
        }),
        more: found.length > limit,
      };
    },
  },

  read: {
    async answer({ chat, identity }, request) {
      if (request.seq === 0) {
        throw new ChatError("invalid_argument", "seq is 0: set it to the newest entry that you have read.");
      }
      await chat.read(identity.user, request);
      return {};
    },
  },

  listReaders: {
    cost: 4,
    takesTurns: true,
    answer: ({ chat, identity }, request) => chat.readersOf(identity.user, request),
  },

  typing: {
    async answer({ chat, identity }, request) {
      await chat.type(identity.user, request);
      return {};
    },
  },

  setAway: {
    answer({ chat, subscriber }, { away }) {
      if (subscriber === undefined) throw new ChatError("invalid_argument", "Only a live session can be away.");
      chat.presence.setAway(subscriber, away);
      return {};
    },
  },

  getSettings: {
    cost: 2,
    answer: async ({ chat, identity: { user } }) => ({
      settings: toWireSettings(await chat.settings.settings(user)),
      blocked: await chat.settings.blocked(user),
    }),
  },

  updateSettings: {
    async answer({ chat, identity }, request) {
      const change = parseSettingsChange(request);
      chat.admitWrite(identity.user);
      return { settings: toWireSettings(await chat.settings.update(identity.user, change)) };
    },
  },

  blockUser: {
    async answer({ chat, identity }, { user, unblock }) {
      chat.admitWrite(identity.user);
      if (unblock) await chat.settings.unblock(identity.user, user);
      else await chat.settings.block(identity.user, user);
      return {};
    },
  },
};

/** Returns names of users after `after`, in order. An account that changes between two steps may be missing. */
async function findNames(
  { chat, turn }: RequestContext,
  { after, limit }: { after: string; limit: number },
): Promise<string[]> {
  const names: string[] = [];
  for (let isLast = false; !isLast && names.length < limit;) {
    if (turn?.isOver) await turn.next();
    const page = { after: names.at(-1) ?? after, limit: Math.min(limit - names.length, readAtOnce) };
    const users = await chat.accounts.listUsers(page);
    for (const { name } of users) names.push(name);
    isLast = users.length < page.limit;
  }
  return names;
}
