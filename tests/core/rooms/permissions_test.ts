import assert from "node:assert/strict";
import type { MemberRole } from "../../../src/core/rooms/room.ts";
import { mayDo, type RoomAction, type Standing } from "../../../src/core/rooms/permissions.ts";

const standings: readonly Standing[] = ["owner", "moderator", "member", "invited", "banned", "stranger"];

/** Who may what, in the order of `standings`: "y" always, "p" in public rooms only, "." never. */
const table: Readonly<Record<Exclude<RoomAction, "mention_all">, string>> = {
  see: "yyyypp",
  see_members: "yyyp.p",
  send: "yyy...",
  react: "yyy...",
  pin: "yy....",
  delete_own: "yyy...",
  delete_any: "yy....",
  join: "...y.p",
  leave: "yyyy..",
  invite: "yyy...",
  set_topic: "yy....",
  update: "y.....",
  remove_member: "yy....",
  remove_moderator: "y.....",
  remove_owner: "y.....",
  unban: "yy....",
  see_banned: "yy....",
  set_role: "y.....",
};

for (const [action, row] of Object.entries(table) as [RoomAction, string][]) {
  Deno.test(`who may ${action} in a room`, () => {
    for (const [index, standing] of standings.entries()) {
      const expected = { y: [true, true], p: [false, true], ".": [false, false] }[row[index]];
      const found = [false, true].map((isPublic) => mayDo(standing, action, { isPublic, mentionAll: "moderator" }));
      assert.deepEqual(found, expected, `${standing}, in a private and in a public room`);
    }
  });
}

/** Who may mention all, in the order of `standings`, by the lowest role that may. */
const mentioners: Readonly<Record<MemberRole, string>> = { member: "yyy...", moderator: "yy....", owner: "y....." };

for (const [mentionAll, row] of Object.entries(mentioners) as [MemberRole, string][]) {
  Deno.test(`a room lets everyone from ${mentionAll} on mention all, whether or not it is public`, () => {
    for (const [index, standing] of standings.entries()) {
      const found = [false, true].map((isPublic) => mayDo(standing, "mention_all", { isPublic, mentionAll }));
      assert.deepEqual(found, Array(2).fill(row[index] === "y"), standing);
    }
  });
}
