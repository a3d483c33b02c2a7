import type { MentionAudience } from "../../core/messages/mentions.ts";
import type { DirectMessages } from "../../core/people/settings_store.ts";
import type { MemberRole, RoomRole } from "../../core/rooms/room.ts";

/** Codes of member.role; the roles of current members are the lowest. */
export const roleCodes: Readonly<Record<RoomRole, number>> = {
  member: 1,
  moderator: 2,
  owner: 3,
  invited: 4,
  left: 5,
  banned: 6,
};

/** Codes of user.direct_messages. */
export const directMessagesCodes: Readonly<Record<DirectMessages, number>> = { anyone: 0, contacts: 1, nobody: 2 };

/** Codes of entry.audience; 0 is none. */
export const audienceCodes: Readonly<Record<MentionAudience, number>> = { room: 1, here: 2 };

const audiences = invert(audienceCodes);
const roles = invert(roleCodes);
const directMessages = invert(directMessagesCodes);

export function toRole(code: number): RoomRole {
  return find(roles, code);
}

/** Converts a code that stands for the role of a member, and nothing else. */
export function toMemberRole(code: number): MemberRole {
  return find(roles, code) as MemberRole;
}

export function toAudienceCode(audience: MentionAudience | undefined): number {
  return audience === undefined ? 0 : audienceCodes[audience];
}

export function toAudience(code: number): MentionAudience | undefined {
  return code === 0 ? undefined : find(audiences, code);
}

export function toDirectMessages(code: number): DirectMessages {
  return find(directMessages, code);
}

function invert<Name extends string>(codes: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map((Object.keys(codes) as Name[]).map((name) => [codes[name], name]));
}

function find<Name>(names: ReadonlyMap<number, Name>, code: number): Name {
  const name = names.get(code);
  if (name === undefined) throw new RangeError(`Unknown code ${code} in the database.`);
  return name;
}
