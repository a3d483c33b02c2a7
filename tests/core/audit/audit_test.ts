import assert from "node:assert/strict";
import type { AuditEvent } from "../../../src/core/audit/audit.ts";
import { createMessageId } from "../../../src/core/messages/message_id.ts";
import { sendMessage } from "../../support/servers/send_message.ts";
import { password, TestChat } from "../../support/servers/test_chat.ts";

class Notes {
  readonly events: AuditEvent[] = [];

  record(event: AuditEvent): void {
    this.events.push(event);
  }

  /** Returns the events since the last call, as text. */
  take(): string[] {
    return this.events.splice(0).map(({ actor, action, subject = "", address = "", detail = "" }) =>
      [actor, action, subject, address, detail].map((word) => word || "-").join(" ")
    );
  }
}

const address = "192.0.2.7";

Deno.test("the audit log records logins and failures, and never a secret", async () => {
  const notes = new Notes();
  const test = await TestChat.open({ users: ["ben"], audit: notes });
  const { accounts } = test;
  assert.deepEqual(notes.take(), ["operator user_added ben - -"]);
  const ana = await accounts.register({ user: "ana", password, invite: "", deviceName: "phone", address });
  assert.deepEqual(notes.take(), [`ana registered - ${address} -`]);
  const login = { user: "ana", password, deviceName: "laptop", deviceId: "", address };
  const second = await accounts.logIn(login);
  await accounts.logIn({ ...login, deviceId: second.deviceId });
  assert.deepEqual(notes.take(), [
    `ana logged_in - ${address} on a new device`,
    `ana logged_in - ${address} on a known device`,
  ]);

  const wrong = "the password of something else";
  await assert.rejects(accounts.logIn({ ...login, password: wrong }));
  await assert.rejects(accounts.logIn({ ...login, user: "secret-in-the-wrong-place" }));
  assert.equal(await accounts.verifyPassword({ user: "ana", password: wrong }), false);
  assert.equal(await accounts.verifyPassword({ user: "ana", password }), true);
  const identity = await accounts.authenticate(ana.token);
  await assert.rejects(accounts.changePassword(identity, { current: wrong, next: "another password" }));
  assert.deepEqual(notes.take(), [
    `- log_in_failed ana ${address} -`,
    `- log_in_failed - ${address} unknown name`,
    "- log_in_failed ana - at the broker",
    "- log_in_failed ana - changing the password",
  ]);

  await accounts.revokeDevice(identity, second.deviceId);
  await accounts.changePassword(identity, { current: password, next: "another password" });
  await accounts.logOut(identity);
  assert.deepEqual(notes.take(), [
    "ana device_revoked - - laptop",
    "ana password_changed - - -",
    "ana logged_out - - phone",
  ]);
  await test.close();
});

Deno.test("the audit log records actions of the operator", async () => {
  const notes = new Notes();
  const test = await TestChat.open({ users: ["ana"], audit: notes });
  const { accounts } = test;
  await accounts.setPassword("ana", password);
  await accounts.disable("ana");
  await assert.rejects(accounts.logIn({ user: "ana", password, deviceName: "", deviceId: "", address }));
  await accounts.enable("ana");
  const code = await accounts.createInvite({ lifetimeMs: 60_000 });
  await assert.rejects(accounts.disable("nobody-here"));
  const taken = notes.take();
  assert.deepEqual(taken, [
    "operator user_added ana - -",
    "operator password_changed ana - -",
    "operator user_disabled ana - -",
    `- log_in_failed ana ${address} disabled`,
    "operator user_enabled ana - -",
    "operator invite_created - - valid for 60 s",
  ]);
  assert.ok(!taken.join().includes(code));
  await test.close();
});

Deno.test("the audit log records created rooms and changes of their members, once", async () => {
  const notes = new Notes();
  const test = await TestChat.open({ users: ["ana", "ben", "cleo"], audit: notes });
  const { chat, clock } = test;
  notes.take();
  const id = () => createMessageId(clock.now());
  const making = { id: id(), name: "ops", isPublic: true, historyVisible: true };
  const [ana, ben, cleo] = ["ana", "ben", "cleo"].map((user) => ({ user }));
  const { room: { id: room } } = await chat.rooms.create(ana, making);
  await chat.rooms.create(ana, making);
  await chat.rooms.join(ben, { id: id(), room });
  await chat.rooms.join(cleo, { id: id(), room });
  await sendMessage(chat, "ana", test.draft(room));
  assert.deepEqual(notes.take(), [`ana room_created ${room} - -`]);
  await chat.rooms.setRole(ana, { id: id(), room, user: "ben", role: "moderator" });
  const removal = { id: id(), room, user: "cleo", ban: false };
  await chat.rooms.remove(ben, removal);
  await chat.rooms.remove(ana, { id: id(), room, user: "cleo", ban: true });
  await assert.rejects(chat.rooms.remove(ben, { id: id(), room, user: "ana", ban: true }));
  await chat.rooms.unban(ana, { id: id(), room, user: "cleo" });
  assert.deepEqual(notes.take(), [
    `ana role_changed ben - ${room} moderator`,
    `ben room_member_removed cleo - ${room}`,
    `ana room_member_banned cleo - ${room}`,
    `ana room_member_unbanned cleo - ${room}`,
  ]);
  await test.close();
});
