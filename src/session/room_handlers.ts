import { toSendResponse, toWireRoom } from "../wire/convert.ts";
import { parseMemberRole, toWireRole } from "../wire/events.ts";
import { parseLimit } from "../wire/limits.ts";
import { pageSizes } from "./request_costs.ts";
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

/** One handler for each kind of request about rooms. */
export const roomHandlers: RequestHandlers<RoomRequestName> = {
  createRoom: async ({ chat, identity }, { id, name, public: isPublic, historyVisible }) => {
    const { room, duplicate } = await chat.rooms.create(identity, { id, name, isPublic, historyVisible });
    return { room: toWireRoom(room), duplicate };
  },

  joinRoom: async ({ chat, identity }, request) => {
    const { room, entry } = await chat.rooms.join(identity, request);
    return { room: toWireRoom(room), entry: toSendResponse(entry) };
  },

  leaveRoom: async ({ chat, identity }, request) => ({
    entry: toSendResponse(await chat.rooms.leave(identity, request)),
  }),

  updateRoom: async ({ chat, identity }, { public: isPublic, ...request }) => ({
    entry: toSendResponse(await chat.rooms.update(identity, { ...request, isPublic })),
  }),

  setTopic: async ({ chat, identity }, request) => ({
    entry: toSendResponse(await chat.rooms.setTopic(identity, request)),
  }),

  inviteMember: async ({ chat, identity }, request) => ({
    entry: toSendResponse(await chat.rooms.invite(identity, request)),
  }),

  removeMember: async ({ chat, identity }, request) => ({
    entry: toSendResponse(await chat.rooms.remove(identity, request)),
  }),

  unbanMember: async ({ chat, identity }, request) => ({
    entry: toSendResponse(await chat.rooms.unban(identity, request)),
  }),

  setRole: async ({ chat, identity }, { role, ...request }) => ({
    entry: toSendResponse(await chat.rooms.setRole(identity, { ...request, role: parseMemberRole(role) })),
  }),

  listRooms: async ({ chat, turn }, request) => {
    const limit = parseLimit(request.limit, pageSizes.listRooms);
    const rooms = await chat.rooms.list({ ...request, limit: limit + 1, turn });
    return { rooms: rooms.slice(0, limit).map(toWireRoom), more: rooms.length > limit };
  },

  listMembers: async ({ chat, identity, turn }, request) => {
    const limit = parseLimit(request.limit, pageSizes.listMembers);
    const members = await chat.rooms.members(identity.user, request.room, { ...request, limit: limit + 1 });
    const listed = members.slice(0, limit);
    const seen = await chat.presence.see(identity.user, listed.map(({ user }) => user), turn);
    return {
      members: listed.map(({ user, role }, index) => {
        const { state } = seen[index];
        return { user, role: toWireRole(role), online: state === "online" || state === "away" };
      }),
      more: members.length > limit,
    };
  },
};
