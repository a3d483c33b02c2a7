import { toSendResponse, toWireRoom } from "../wire/convert.ts";
import { parseMemberRole, toWireRole } from "../wire/events.ts";
import { fittingTexts } from "./page_texts.ts";
import type { RequestHandlers } from "./request_types.ts";

type RoomRequestName =
  | "createRoom"
  | "joinRoom"
  | "leaveRoom"
  | "updateRoom"
  | "setTopic"
  | "inviteMember"
  | "removeMember"
  | "unbanMember"
  | "setRole"
  | "listRooms"
  | "listMembers";

/** Bytes of display names and status texts in a page of members, which stays within a frame of 64 KiB. */
const maxMemberTexts = 24 * 1024;

/** The handlers of requests about rooms. */
export const roomHandlers: RequestHandlers<RoomRequestName> = {
  createRoom: {
    async answer({ chat, identity }, { id, name, public: isPublic, historyVisible }) {
      const { room, duplicate } = await chat.rooms.create(identity, { id, name, isPublic, historyVisible });
      return { room: toWireRoom(room), duplicate };
    },
  },

  joinRoom: {
    async answer({ chat, identity }, request) {
      const { room, entry } = await chat.rooms.join(identity, request);
      return { room: toWireRoom(room), entry: toSendResponse(entry) };
    },
  },

  leaveRoom: {
    answer: async ({ chat, identity }, request) => ({
      entry: toSendResponse(await chat.rooms.leave(identity, request)),
    }),
  },

  updateRoom: {
    async answer({ chat, identity }, { public: isPublic, mentionAll: role, ...request }) {
      const mentionAll = role === undefined ? undefined : parseMemberRole(role, "mention_all");
      return { entry: toSendResponse(await chat.rooms.update(identity, { ...request, isPublic, mentionAll })) };
    },
  },

  setTopic: {
    answer: async ({ chat, identity }, request) => ({
      entry: toSendResponse(await chat.rooms.setTopic(identity, request)),
    }),
  },

  inviteMember: {
    answer: async ({ chat, identity }, request) => ({
      entry: toSendResponse(await chat.rooms.invite(identity, request)),
    }),
  },

  removeMember: {
    answer: async ({ chat, identity }, request) => ({
      entry: toSendResponse(await chat.rooms.remove(identity, request)),
    }),
  },

  unbanMember: {
    answer: async ({ chat, identity }, request) => ({
      entry: toSendResponse(await chat.rooms.unban(identity, request)),
    }),
  },

  setRole: {
    answer: async ({ chat, identity }, { role, ...request }) => ({
      entry: toSendResponse(await chat.rooms.setRole(identity, { ...request, role: parseMemberRole(role, "role") })),
    }),
  },

  listRooms: {
    page: { standard: 50, most: 100 },
    takesTurns: true,
    async answer({ chat, turn }, { limit, ...request }) {
      const rooms = await chat.rooms.list({ ...request, limit: limit + 1, turn });
      return { rooms: rooms.slice(0, limit).map(toWireRoom), more: rooms.length > limit };
    },
  },

  listMembers: {
    page: { standard: 200, most: 500 },
    takesTurns: true,
    async answer({ chat, identity, turn }, { limit, ...request }) {
      const members = await chat.rooms.members(identity.user, request.room, { ...request, limit: limit + 1 });
      const profiles = await chat.settings.profilesOf(members.slice(0, limit).map(({ user }) => user), turn);
      const listed = fittingTexts(
        profiles.map((profile, index) => ({ ...members[index], profile })),
        ({ profile }) => [profile.displayName, profile.status],
        { maxBytes: maxMemberTexts },
      );
      const seen = await chat.presence.see(identity.user, listed.map(({ user }) => user), turn);
      return {
        members: listed.map(({ user, role, profile }, index) => {
          const { state } = seen[index];
          return { user, role: toWireRole(role), online: state === "online" || state === "away", ...profile };
        }),
        more: members.length > listed.length,
      };
    },
  },
};
