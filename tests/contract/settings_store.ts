import assert from "node:assert/strict";
import type { AccountStore } from "../../src/core/accounts/account_store.ts";
import type { ExclusiveMessageStore, MessageStore } from "../../src/core/messages/message_store.ts";
import { defaultSettings, type Settings, type SettingsStore } from "../../src/core/people/settings_store.ts";
import { accept, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";

export interface OpenedSettingsStore {
  readonly messages: ExclusiveMessageStore;
  readonly accounts: AccountStore;
  readonly settings: SettingsStore;
  close(): void | Promise<void>;
}

/** What every settings store keeps to. `open` gives an empty one, which the suite closes. */
export function settingsStoreContract(
  name: string,
  open: () => OpenedSettingsStore | Promise<OpenedSettingsStore>,
): void {
  const test = contractTests(name, {
    open,
    async prepare({ accounts, settings }) {
      for (const user of ["ana", "ben", "cleo", "dan"]) await accounts.addUser(userRecord(user));
      return settings;
    },
  });

  const blockedBy = async (settings: SettingsStore, user: string) => (await settings.readSettings(user)).blocked;
  const seenBy = async (messages: MessageStore, user: string) => {
    const { messages: seen } = await messages.messagesAfter(user, 0, { limit: 100, maxBytes: 10_000 });
    return seen.map(({ text }) => text);
  };

  test("who never set anything has the defaults, as has who is not there", async (settings) => {
    const nothing = { settings: defaultSettings, blocked: [], hasBlocked: false, asOf: 0 };
    assert.deepEqual(await settings.readSettings("ana"), nothing);
    assert.deepEqual(await settings.readSettings("nobody"), nothing);
  });

  test("saveSettings() keeps every combination for its user alone", async (settings) => {
    for (const directMessages of ["anyone", "contacts", "nobody"] as const) {
      for (const [readReceipts, presence] of [[true, true], [true, false], [false, true], [false, false]]) {
        const saved: Settings = { ...defaultSettings, readReceipts, presence, directMessages };
        await settings.saveSettings("ana", saved);
        assert.deepEqual((await settings.readSettings("ana")).settings, saved);
      }
    }
    assert.deepEqual((await settings.readSettings("ben")).settings, defaultSettings);
  });

  test("a display name that looks like the name or display name of another user is refused", async (settings) => {
    const save = (user: string, displayName: string, options?: { allowSimilar?: boolean }) =>
      settings.saveSettings(user, { ...defaultSettings, displayName, status: "here" }, options);
    assert.equal(await save("ana", "Ana Lopez"), "saved");
    assert.equal(await save("ana", "ANA"), "saved");
    assert.equal(await save("ana", "Ana Lopez"), "saved");
    for (const taken of ["Ana", "аnа", "@ana", "a.n.a", "ana LOPEZ", "Ana-L0pez"]) {
      assert.equal(await save("ben", taken), "similar", taken);
    }
    assert.deepEqual((await settings.readSettings("ben")).settings, defaultSettings);
    assert.equal(await save("ben", "Ana Lopez", { allowSimilar: true }), "saved");
    assert.equal(await save("cleo", "Ana Lopez"), "similar");
    assert.equal(await save("ana", ""), "saved");
    assert.equal(await save("cleo", "Ana Lopez"), "similar", "an allowed name is taken, too");
    assert.equal(await save("ben", ""), "saved");
    assert.equal(await save("cleo", "Ana Lopez"), "saved");
    assert.equal((await settings.readSettings("cleo")).settings.status, "here");
  });

  test("a new account may not look like a display name, until it is removed", async (settings, { accounts }) => {
    await settings.saveSettings("ana", { ...defaultSettings, displayName: "Eve" });
    assert.equal(await accounts.addUser(userRecord("eve")), "similar");
    await settings.saveSettings("ana", defaultSettings);
    assert.equal(await accounts.addUser(userRecord("eve")), "added");
    assert.equal(await settings.saveSettings("ana", { ...defaultSettings, displayName: "Eve" }), "similar");
  });

  test(
    "a deleted account loses its display name and status, which others may have then",
    async (settings, { accounts }) => {
      const named = { ...defaultSettings, displayName: "Captain", status: "at sea" };
      await settings.saveSettings("ana", named);
      const { displayName, status } = (await accounts.findUser("ana"))!;
      assert.deepEqual([displayName, status], ["Captain", "at sea"]);
      await accounts.deleteUser("ana", { alias: "deleted.1", erase: false });
      const deleted = (await accounts.findUser("deleted.1"))!;
      assert.deepEqual([deleted.displayName, deleted.status], [undefined, undefined]);
      assert.equal(await settings.saveSettings("ben", named), "saved");
      assert.equal(await settings.saveSettings("cleo", { ...named, displayName: "4na" }), "similar");
    },
  );

  test(
    "directPeers() lists the others of direct conversations, and no members of rooms",
    async (settings, { messages }) => {
      assert.deepEqual(await settings.directPeers("ana"), []);
      await accept(messages, directAppend("ana", "ben"));
      await accept(messages, directAppend("cleo", "ana"));
      await accept(messages, directAppend("ana", "ana"));
      await accept(messages, directAppend("ben", "dan"));
      assert.deepEqual((await settings.directPeers("ana")).sort(), ["ben", "cleo"]);
      assert.deepEqual(await settings.directPeers("nobody"), []);
    },
  );

  test("block() and unblock() count for one user and by name, and may be said again", async (settings) => {
    for (const other of ["dan", "ben", "ben"]) await settings.block("ana", other, 0);
    assert.deepEqual(await blockedBy(settings, "ana"), ["ben", "dan"]);
    assert.deepEqual(await blockedBy(settings, "ben"), []);
    await settings.unblock("ana", "dan", 0);
    await settings.unblock("ana", "dan", 0);
    await settings.unblock("ana", "cleo", 0);
    assert.deepEqual(await blockedBy(settings, "ana"), ["ben"]);
  });

  test("what came while its sender was blocked stays hidden, and nothing else is", async (settings, { messages }) => {
    const write = async (text: string) => {
      await accept(messages, directAppend("ben", "ana", { text }));
      await accept(messages, directAppend("ana", "ben", { text: `re ${text}` }));
    };
    await write("1");
    await settings.block("ana", "ben", messages.head);
    await write("2");
    // Again while it holds: what it began with counts.
    await settings.block("ana", "ben", messages.head);
    assert.deepEqual(await seenBy(messages, "ana"), ["1", "re 1", "re 2"]);
    await settings.unblock("ana", "ben", messages.head);
    assert.deepEqual(await settings.readSettings("ana"), {
      settings: defaultSettings,
      blocked: [],
      hasBlocked: true,
      asOf: messages.head,
    });
    await write("3");
    await settings.block("ana", "ben", messages.head);
    await settings.unblock("ana", "ben", messages.head);
    await settings.block("ana", "ben", messages.head);
    await write("4");
    await settings.unblock("ana", "ben", messages.head);
    await settings.block("ana", "ben", messages.head);
    await write("5");
    await settings.unblock("ana", "ben", messages.head);
    await write("6");
    assert.deepEqual(await seenBy(messages, "ana"), [
      "1",
      "re 1",
      "re 2",
      "3",
      "re 3",
      "re 4",
      "re 5",
      "6",
      "re 6",
    ]);
    assert.equal((await seenBy(messages, "ben")).length, 12);
  });

  test("hasWrittenTo() is about who wrote to whom alone", async (settings, { messages }) => {
    assert.equal(await settings.hasWrittenTo("ana", "ben"), false);
    await accept(messages, directAppend("ana", "ben"));
    assert.equal(await settings.hasWrittenTo("ana", "ben"), true);
    assert.equal(await settings.hasWrittenTo("ben", "ana"), false);
    assert.equal(await settings.hasWrittenTo("ana", "cleo"), false);
    assert.equal(await settings.hasWrittenTo("ana", "nobody"), false);
    await accept(messages, directAppend("cleo", "cleo"));
    assert.equal(await settings.hasWrittenTo("cleo", "cleo"), true);
  });

  test("hasWrittenTo() finds one entry among many of the other one", async (settings, { messages }) => {
    const many = () => messages.commit(Array.from({ length: 5_000 }, () => directAppend("ben", "ana")));
    await many();
    assert.equal(await settings.hasWrittenTo("ana", "ben"), false);
    await accept(messages, directAppend("ana", "ben"));
    await many();
    assert.equal(await settings.hasWrittenTo("ana", "ben"), true);
    assert.equal(await settings.hasWrittenTo("ben", "ana"), true);
  });

  test("readLastSeen() answers in the order it was asked, 0 for never", async (settings) => {
    await settings.saveLastSeen(new Map([["ana", 1_700_000_000_000], ["ben", 5]]));
    await settings.saveLastSeen(new Map([["ben", 1_764_000_000_123]]));
    await settings.saveLastSeen(new Map());
    assert.deepEqual(await settings.readLastSeen(["cleo", "ben", "nobody", "ana"]), [
      0,
      1_764_000_000_123,
      0,
      1_700_000_000_000,
    ]);
    assert.deepEqual(await settings.readLastSeen([]), []);
  });
}
