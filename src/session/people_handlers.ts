import type { User } from "../core/accounts/accounts.ts";
import { parseUserName } from "../core/accounts/user_name.ts";
import { ChatError } from "../core/chat_error.ts";
import { PresenceState } from "../gen/chatd/v1/chat.ts";
import { toWirePresence } from "../wire/notices.ts";
import { parseSettingsChange, toWireSettings } from "../wire/settings.ts";
import { fittingTexts } from "./page_texts.ts";
import type { RequestContext, RequestHandlers } from "./request_types.ts";

/** Users to read in one step of a page. */
const readAtOnce = 250;

/** Bytes of display names and status texts in a page, which stays within a frame of 64 KiB with 1,000 users. */
const maxUserTexts = 12 * 1024;

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
      const found = await findUsers(context, { after, limit: limit + 1 });
      const listed = fittingTexts(found.slice(0, limit), ({ displayName, status }) => [displayName, status], {
        maxBytes: maxUserTexts,
      });
      const seen = await chat.presence.see(identity.user, listed.map(({ name }) => name), turn);
      return {
        users: listed.map(({ name, displayName, status }, index) => {
          const { state, lastSeenAt } = seen[index];
          return {
            name,
            online: state === "online" || state === "away",
            state: state === undefined ? PresenceState.UNSPECIFIED : toWirePresence(state),
            lastSeenMs: lastSeenAt,
            displayName,
            status,
          };
        }),
        more: found.length > listed.length,
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
      chat.profiles.admit(identity.user, change);
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

/** Returns users after `after`, by name. An account that changes between two steps may be missing. */
async function findUsers(
  { chat, turn }: RequestContext,
  { after, limit }: { after: string; limit: number },
): Promise<User[]> {
  const found: User[] = [];
  for (let isLast = false; !isLast && found.length < limit;) {
    if (turn?.isOver) await turn.next();
    const page = { after: found.at(-1)?.name ?? after, limit: Math.min(limit - found.length, readAtOnce) };
    const users = await chat.accounts.listUsers(page);
    found.push(...users);
    isLast = users.length < page.limit;
  }
  return found;
}
