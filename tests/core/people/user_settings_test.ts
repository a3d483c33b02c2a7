import assert from "node:assert/strict";
import type { Message } from "../../../src/core/messages/message.ts";
import { defaultSettings, type Settings } from "../../../src/core/people/settings_store.ts";
import { UserSettings } from "../../../src/core/people/user_settings.ts";
import { rejectsWith } from "../../support/checks/chat_error_assertions.ts";
import { accept, directAppend, userRecord } from "../../support/servers/stored_messages.ts";
import { TestStore } from "../../support/servers/test_store.ts";
import { turns } from "../../support/waiting/turns.ts";

function entry(sender: string, position: number): Message {
  const text = { id: "", text: "", acceptedAt: 0, seq: position, ordinal: position };
  return { ...text, sender, position, conversation: "ana:ben" };
}

async function open() {
  const store = TestStore.open();
  for (const user of ["ana", "ben", "cleo"]) await store.accounts.addUser(userRecord(user));
  const changes: [user: string, before: Settings, after: Settings][] = [];
  const asked: string[] = [];
  const { readSettings, hasWrittenTo } = store.settings;
  store.settings.readSettings = (user) => {
    asked.push(`settings of ${user}`);
    return readSettings.call(store.settings, user);
  };
  store.settings.hasWrittenTo = (user, other) => {
    asked.push(`${user} to ${other}`);
    return hasWrittenTo.call(store.settings, user, other);
  };
  const openAgain = () =>
    new UserSettings({
      store: store.settings,
      applied: () => store.messages.head,
      betweenCommits: (work) => work(),
      isOnline: () => false,
      isUser: async (name) => await store.accounts.findUser(name) !== undefined,
      onChanged: (user, { before, after }) => changes.push([user, before, after]),
    });
  const write = (from: string, to: string) => accept(store.messages, directAppend(from, to));
  return { store, settings: openAgain(), openAgain, changes, asked, write };
}

Deno.test("settings are read once, changed independently, and stored", async () => {
  const { settings, openAgain, changes, asked } = await open();
  assert.deepEqual(await Promise.all([settings.settings("ana"), settings.settings("ana")]), [
    defaultSettings,
    defaultSettings,
  ]);
  assert.deepEqual(asked, ["settings of ana"]);
  const after = { ...defaultSettings, presence: false };
  assert.deepEqual(await settings.update("ana", { presence: false }), after);
  assert.deepEqual(settings.knownSettings("ana"), after);
  await settings.update("ana", { directMessages: "contacts" });
  const changed: Settings = { ...after, directMessages: "contacts" };
  assert.deepEqual(changes, [["ana", defaultSettings, after], ["ana", after, changed]]);
  assert.deepEqual(asked, ["settings of ana"]);
  assert.deepEqual(await openAgain().settings("ana"), changed);
  assert.deepEqual(await settings.settings("ben"), defaultSettings);
});

Deno.test("a display name is sanitised, and refused when it is too long, hides something or looks like another", async () => {
  const { settings, changes } = await open();
  const named = async (displayName: string) => (await settings.update("ana", { displayName })).displayName;
  assert.equal(await named("  Ana\tLo\u0301pez  \n"), "Ana L\u00f3pez");
  assert.equal(await named("x".repeat(64)), "x".repeat(64));
  assert.equal(await named("\u{1F525}"), "\u{1F525}");
  const before = changes.length;
  for (const wrong of ["x".repeat(65), "a\x1b[31m", "\u202eana", "..."]) {
    await rejectsWith("invalid_argument", named(wrong));
  }
  for (const taken of ["Ben", "\u0412en", "adm1n", "System"]) {
    const { message } = await rejectsWith("already_exists", named(taken));
    assert.equal(
      message,
      `The display name "${taken}" looks like a name that is taken: choose another. The operator can allow it (--allow-similar).`,
    );
  }
  assert.equal(changes.length, before);
  await settings.update("ana", { displayName: "Ben" }, { allowSimilar: true });
  assert.equal((await settings.update("ana", { status: " in a\nmeeting " })).status, "in a meeting");
  assert.deepEqual(await settings.profilesOf(["ben", "ana"]), [
    { displayName: "", status: "" },
    { displayName: "Ben", status: "in a meeting" },
  ]);
  await rejectsWith("invalid_argument", settings.update("ana", { status: "x".repeat(65) }));
});

Deno.test("changes that cannot be stored are not made", async () => {
  const { settings, store, changes } = await open();
  await settings.load("ana");
  const full = new Error("the disk is full");
  store.settings.saveSettings = () => Promise.reject(full);
  store.settings.block = () => Promise.reject(full);
  await assert.rejects(settings.update("ana", { presence: false }), full);
  await assert.rejects(settings.block("ana", "ben"), full);
  assert.deepEqual(await settings.settings("ana"), defaultSettings);
  assert.deepEqual(await settings.blocked("ana"), []);
  assert.equal(settings.isHidden("ana", "ben"), false);
  assert.deepEqual(changes, []);
});

Deno.test("a block hides later entries, and after its end only those", async () => {
  const { settings, openAgain, write } = await open();
  const before = (await write("ben", "ana")).position;
  await settings.block("ana", "ben");
  await settings.block("ana", "ben");
  const during = (await write("ben", "ana")).position;
  const hidden = () => [
    ...[before, during, during + 1].map((position) =>
      settings.visibilityOf("ana", entry("ben", position)) === "hidden"
    ),
    settings.isHidden("ana", "ben"),
  ];
  assert.deepEqual(hidden(), [false, true, true, true]);
  assert.deepEqual([settings.isHidden("ana", "cleo"), settings.isHidden("ben", "ana")], [false, false]);
  assert.deepEqual(await settings.blocked("ana"), ["ben"]);
  const again = openAgain();
  await again.load("ana");
  // The block began at some position before the settings were read.
  const visibility = [during, during + 1].map((position) => again.visibilityOf("ana", entry("ben", position)));
  assert.deepEqual(visibility, ["unknown", "hidden"]);
  await settings.unblock("ana", "ben");
  // Memory forgets a block that ended: the entries that it hides were applied before.
  assert.deepEqual(hidden().slice(2), [false, false]);
  assert.deepEqual(await settings.blocked("ana"), []);
  assert.deepEqual(await openAgain().blocked("ana"), []);
  await settings.unblock("ana", "ben");
});

Deno.test("only other existing users can be blocked, and at most 1000", async () => {
  const { settings, store } = await open();
  await rejectsWith("invalid_argument", settings.block("ana", "ana"));
  await rejectsWith("not_found", settings.block("ana", "nobody"));
  await rejectsWith("invalid_argument", settings.block("ana", "#ops"));
  await rejectsWith("not_found", settings.unblock("ana", "nobody"));
  for (let index = 0; index < 1_000; index++) {
    await store.accounts.addUser(userRecord(`u${index}`));
    await settings.block("ana", `u${index}`);
  }
  const error = await rejectsWith("limit_reached", settings.block("ana", "ben"));
  assert.match(error.message, /1000/);
  await settings.block("ana", "u7");
  await settings.unblock("ana", "u7");
  await settings.block("ana", "ben");
  assert.equal((await settings.blocked("ana")).length, 1_000);
});

Deno.test("refusals name the recipient, and answers to their messages pass", async () => {
  const { settings, write } = await open();
  await settings.checkContact("ben", "ana");
  await settings.update("ana", { directMessages: "nobody" });
  const nobody = await rejectsWith("permission_denied", settings.checkContact("ben", "ana"));
  assert.equal(nobody.message, "ana accepts no direct messages.");
  await settings.checkContact("ana", "ana");
  await settings.checkContact("ana", "ben");
  await settings.update("ana", { directMessages: "contacts" });
  const stranger = await rejectsWith("permission_denied", settings.checkContact("ben", "ana"));
  assert.match(stranger.message, /^ana accepts direct messages only from people whom they have written to/);
  await write("ben", "ana");
  await rejectsWith("permission_denied", settings.checkContact("ben", "ana"));
  await write("ana", "ben");
  settings.recordContact("ana", ["ana", "ben"]);
  await settings.checkContact("ben", "ana");
});

Deno.test("a message sent during the contact lookup counts", async () => {
  const { settings, store, write } = await open();
  await settings.update("ana", { directMessages: "contacts" });
  const asked = Promise.withResolvers<boolean>();
  store.settings.hasWrittenTo = () => asked.promise;
  const checks = Promise.all([settings.checkContact("ben", "ana"), settings.checkContact("ben", "ana")]);
  await turns();
  await write("ana", "ben");
  settings.recordContact("ana", ["ana", "ben"]);
  asked.resolve(false);
  await checks;
  await settings.checkContact("ben", "ana");
});

Deno.test("a second contact check needs no query", async () => {
  const { settings, write, asked } = await open();
  await settings.update("ana", { directMessages: "contacts" });
  await write("ana", "ben");
  for (let time = 0; time < 3; time++) {
    await settings.checkContact("ben", "ana");
    await rejectsWith("permission_denied", settings.checkContact("cleo", "ana"));
    await settings.checkContact("ana", "ben");
  }
  assert.deepEqual(asked.sort(), ["ana to ben", "ana to cleo", "settings of ana", "settings of ben"]);
});

Deno.test("while a block is being stored, only the store knows what it hides", async () => {
  const { settings, store } = await open();
  await settings.load("ana");
  const disk = Promise.withResolvers<void>();
  store.settings.block = () => disk.promise;
  const blocked = assert.rejects(settings.block("ana", "ben"), /disk is full/);
  await turns();
  assert.equal(settings.visibilityOf("ana", entry("ben", 1)), "unknown");
  assert.equal(settings.visibilityOf("ana", entry("cleo", 1)), "shown");
  assert.equal(settings.isHidden("ana", "ben"), true);
  disk.reject(new Error("the disk is full"));
  await blocked;
  assert.equal(settings.visibilityOf("ana", entry("ben", 1)), "shown");
});

Deno.test("a block is in force until its end is stored, and then hides no later entry", async () => {
  const { settings, store } = await open();
  await settings.block("ana", "ben");
  const { unblock } = store.settings;
  const disk = Promise.withResolvers<void>();
  store.settings.unblock = () => disk.promise;
  const failing = assert.rejects(settings.unblock("ana", "ben"), /disk is full/);
  await turns();
  assert.equal(settings.visibilityOf("ana", entry("ben", 1)), "unknown");
  assert.equal(settings.isHidden("ana", "ben"), true);
  disk.reject(new Error("the disk is full"));
  await failing;
  assert.equal(settings.visibilityOf("ana", entry("ben", 1)), "hidden");
  store.settings.unblock = unblock;
  await settings.unblock("ana", "ben");
  assert.equal(settings.visibilityOf("ana", entry("ben", 1)), "shown");
  assert.equal(settings.isHidden("ana", "ben"), false);
});

Deno.test("settings that are read while a user is renamed are read again", async () => {
  const { settings, store } = await open();
  await settings.block("ana", "ben");
  settings.rename("ana", "nobody");
  const { readSettings } = store.settings;
  const answer = Promise.withResolvers<void>();
  store.settings.readSettings = async (user) => {
    const record = await readSettings.call(store.settings, user);
    await answer.promise;
    return record;
  };
  const loading = settings.blocked("ana");
  await turns();
  await store.accounts.deleteUser("ben", { alias: "deleted-1", erase: false });
  settings.rename("ben", "deleted-1");
  answer.resolve();
  assert.deepEqual(await loading, ["deleted-1"]);
});

Deno.test("settings that were changed while they were read are the changed ones", async () => {
  const { settings, store } = await open();
  const { readSettings, saveSettings } = store.settings;
  const saved = Promise.withResolvers<void>();
  store.settings.saveSettings = async (...call) => {
    await saved.promise;
    return await saveSettings.apply(store.settings, call);
  };
  const updated = settings.update("ana", { presence: false });
  await turns();
  // They leave the cache while they are being stored, and are read as they were.
  settings.rename("ana", "nobody");
  const read = Promise.withResolvers<void>();
  store.settings.readSettings = async (user) => {
    const record = await readSettings.call(store.settings, user);
    await read.promise;
    return record;
  };
  const loading = settings.settings("ana");
  await turns();
  saved.resolve();
  await updated;
  read.resolve();
  assert.equal((await loading).presence, false);
  assert.equal(settings.knownSettings("ana").presence, false);
});
