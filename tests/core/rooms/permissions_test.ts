import assert from "node:assert/strict";
import { mayDo, type RoomAction, type Standing } from "../../../src/core/rooms/permissions.ts";

const standings: readonly Standing[] = ["owner", "moderator", "member", "invited", "banned", "stranger"];

/** Who may what, in the order of `standings`: "y" always, "p" in public rooms only, "." never. */
const table: Readonly<Record<RoomAction, string>> = {
  see: "yyyypp",
  see_members: "yyyp.p",
  send: "yyy...",
  react: "yyy...",
  pin: "yy....",
  mention_all: "yy....",
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
      const found = [mayDo(standing, action, false), mayDo(standing, action, true)];
      assert.deepEqual(found, expected, `${standing}, in a private and in a public room`);
    }
  });
}
