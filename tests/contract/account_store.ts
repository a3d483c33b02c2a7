import assert from "node:assert/strict";
import { accept, deviceRecord, directAppend, userRecord } from "../support/servers/stored_messages.ts";
import { contractTests } from "./contract_tests.ts";
import type { OpenedStore } from "./message_store.ts";

/** What every account store keeps to. `open` gives an empty one, which the suite closes. */
export function accountStoreContract(name: string, open: () => OpenedStore | Promise<OpenedStore>): void {
  const test = contractTests(name, { open, prepare: ({ accounts }) => accounts });

  test("a user is added once and found as added", async (accounts) => {
    const ana = userRecord("ana", { createdAt: 1_764_000_000_123 });
    assert.equal(await accounts.findUser("ana"), undefined);
    assert.equal(await accounts.addUser(ana), "added");
    assert.equal(await accounts.addUser({ ...ana, passwordHash: "other" }), "exists");
    assert.deepEqual(await accounts.findUser("ana"), ana);
    const off = userRecord("ben", { disabled: true });
    assert.equal(await accounts.addUser(off), "added");
    assert.deepEqual(await accounts.findUser("ben"), off);
  });

  test("a name that looks like another is refused, unless it is allowed", async (accounts) => {
    assert.equal(await accounts.addUser(userRecord("ana")), "added");
    assert.equal(await accounts.addUser(userRecord("bem")), "added");
    assert.equal(await accounts.addUser(userRecord("bill-01")), "added");
    for (const name of ["4na", "a.na", "an-a", "bern", "b1ll01", "bil1-o1"]) {
      assert.equal(await accounts.addUser(userRecord(name)), "similar", name);
      assert.equal(await accounts.findUser(name), undefined);
    }
    assert.equal(await accounts.addUser(userRecord("4na"), { allowSimilar: true }), "added");
    assert.equal(await accounts.addUser(userRecord("a-na")), "similar");
    assert.equal(await accounts.addUser(userRecord("bill-02")), "added");
    assert.equal(await accounts.addUser(userRecord("4na")), "exists");
  });

  test("a name like that of a deleted account stays refused", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.deleteUser("ana", { alias: "deleted.1", erase: false });
    assert.equal(await accounts.addUser(userRecord("4na")), "similar");
    assert.equal(await accounts.addUser(userRecord("ana")), "exists");
  });

  test("an invitation lets one user in, until it expires", async (accounts) => {
    await accounts.addInvite({ codeHash: "c1", createdAt: 10, expiresAt: 100 });
    await accounts.addInvite({ codeHash: "c2", createdAt: 10, expiresAt: 100 });
    assert.equal(
      await accounts.addUser(userRecord("ana"), { invite: { codeHash: "unknown", now: 50 } }),
      "invite_invalid",
    );
    assert.equal(await accounts.findUser("ana"), undefined);
    assert.equal(await accounts.hasInvite({ codeHash: "c1", now: 99 }), true);
    assert.equal(await accounts.hasInvite({ codeHash: "c1", now: 100 }), false);
    assert.equal(await accounts.hasInvite({ codeHash: "unknown", now: 50 }), false);
    assert.equal(await accounts.addUser(userRecord("ana"), { invite: { codeHash: "c1", now: 99 } }), "added");
    assert.equal(await accounts.hasInvite({ codeHash: "c1", now: 99 }), false);
    assert.equal(await accounts.addUser(userRecord("ben"), { invite: { codeHash: "c1", now: 99 } }), "invite_invalid");
    assert.equal(await accounts.addUser(userRecord("ben"), { invite: { codeHash: "c2", now: 100 } }), "invite_invalid");
    assert.equal(await accounts.findUser("ben"), undefined);
  });

  test("a name that is taken uses up no invitation", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.addInvite({ codeHash: "c1", createdAt: 10, expiresAt: 100 });
    assert.equal(await accounts.addUser(userRecord("ana"), { invite: { codeHash: "c1", now: 50 } }), "exists");
    assert.equal(await accounts.addUser(userRecord("ben"), { invite: { codeHash: "c1", now: 50 } }), "added");
  });

  test("without a good invitation, a name that is taken looks like any other", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.addInvite({ codeHash: "late", createdAt: 10, expiresAt: 50 });
    for (const codeHash of ["unknown", "late"]) {
      assert.equal(await accounts.addUser(userRecord("ana"), { invite: { codeHash, now: 50 } }), "invite_invalid");
      assert.equal(await accounts.addUser(userRecord("ben"), { invite: { codeHash, now: 50 } }), "invite_invalid");
    }
    assert.equal(await accounts.findUser("ben"), undefined);
  });

  test("no more users are added than there may be, and a name that is taken is told first", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.addInvite({ codeHash: "c1", createdAt: 10, expiresAt: 100 });
    const invite = { codeHash: "c1", now: 50 };
    assert.equal(await accounts.addUser(userRecord("ben"), { invite, maxUsers: 1 }), "full");
    assert.equal(await accounts.findUser("ben"), undefined);
    assert.equal(await accounts.addUser(userRecord("ana"), { maxUsers: 1 }), "exists");
    assert.equal(
      await accounts.addUser(userRecord("ben"), { invite: { ...invite, now: 100 }, maxUsers: 1 }),
      "invite_invalid",
    );
    assert.equal(await accounts.addUser(userRecord("ben"), { invite, maxUsers: 2 }), "added");
    assert.equal(await accounts.addUser(userRecord("cleo"), { maxUsers: 2 }), "full");
    // A deleted account leaves its place to another one.
    await accounts.deleteUser("ben", { alias: "deleted.1", erase: false });
    assert.equal(await accounts.addUser(userRecord("cleo"), { maxUsers: 2 }), "added");
    assert.equal(await accounts.addUser(userRecord("dan"), { maxUsers: 2 }), "full");
  });

  test("users are listed by name, in byte order, in pages", async (accounts) => {
    for (const name of ["b", "a.b", "a", "10", "a-b", "9", "a_b", "ab"]) {
      await accounts.addUser(userRecord(name), { allowSimilar: true });
    }
    const sorted = ["10", "9", "a", "a-b", "a.b", "a_b", "ab", "b"];
    const names = async (after: string, limit: number) =>
      (await accounts.listUsers({ after, limit })).map(({ name }) => name);
    assert.deepEqual(await names("", 100), sorted);
    assert.deepEqual(await names("", 3), sorted.slice(0, 3));
    assert.deepEqual(await names("a", 3), sorted.slice(3, 6));
    assert.deepEqual(await names("a.a", 100), sorted.slice(4));
    assert.deepEqual(await names("b", 100), []);
    assert.deepEqual((await accounts.listUsers({ after: "ab", limit: 1 }))[0], userRecord("b"));
  });

  test("a deleted user has another name, which is not listed, and the name is nobody's any more", async (accounts) => {
    for (const name of ["ana", "ben"]) await accounts.addUser(userRecord(name));
    assert.equal(await accounts.deleteUser("ana", { alias: "deleted.x", erase: false }), true);
    assert.equal(await accounts.findUser("ana"), undefined);
    const deleted = await accounts.findUser("deleted.x");
    assert.deepEqual([deleted?.disabled, deleted?.deleted, deleted?.passwordHash], [true, true, ""]);
    assert.deepEqual((await accounts.listUsers({ after: "", limit: 10 })).map(({ name }) => name), ["ben"]);
    assert.equal(await accounts.addUser(userRecord("ana")), "exists");
    assert.equal(await accounts.deleteUser("ana", { alias: "deleted.y", erase: false }), false);
    assert.equal(await accounts.deleteUser("deleted.x", { alias: "deleted.y", erase: false }), false);
  });

  test("with a deleted user go their devices and the cursors of these", async () => {
    const { accounts, messages, close } = await open();
    try {
      await accounts.addUser(userRecord("ana"));
      await accounts.saveDevice(deviceRecord("d1", "ana"));
      await messages.openConsumer("d1", "ui", { maxConsumers: 1 });
      await accounts.deleteUser("ana", { alias: "deleted.x", erase: false });
      assert.equal(await accounts.findDevice("d1"), undefined);
      assert.equal(await accounts.findDeviceByToken("token of d1"), undefined);
    } finally {
      await close();
    }
  });

  test("conversations with a deleted user have the new name, and go on being numbered", async () => {
    const { accounts, messages, close } = await open();
    try {
      for (const name of ["ana", "ben", "zoe"]) await accounts.addUser(userRecord(name));
      await accept(messages, directAppend("ana", "ben"));
      await accept(messages, directAppend("zoe", "ana"));
      await accept(messages, directAppend("ana", "ana"));
      await accounts.deleteUser("ana", { alias: "deleted.x", erase: false });
      const names = async (user: string) =>
        (await messages.conversationsOf(user, { beforePosition: 0, limit: 10, maxBytes: 10_000 })).conversations
          .map(({ conversation, last }) => [conversation, last?.sender]);
      assert.deepEqual(await names("ben"), [["ben:deleted.x", "deleted.x"]]);
      assert.deepEqual(await names("zoe"), [["deleted.x:zoe", "zoe"]]);
      assert.deepEqual(await names("ana"), []);
      // Whoever wrote to the old name at that moment is told that there is nobody.
      const [late] = await messages.commit([directAppend("ben", "ana")]);
      assert.equal(late.kind, "failed");
    } finally {
      await close();
    }
  });

  test("a device is found by its id and by its token", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    const device = deviceRecord("d1", "ana", { name: "naïve\u0000 laptop" });
    await accounts.saveDevice(device);
    assert.deepEqual(await accounts.findDevice("d1"), device);
    assert.deepEqual(await accounts.findDeviceByToken("token of d1"), device);
    assert.equal(await accounts.findDevice("d2"), undefined);
    assert.equal(await accounts.findDeviceByToken("token of d2"), undefined);
    await assert.rejects(accounts.saveDevice(deviceRecord("d3", "nobody-knows")));
  });

  test("saving a device again replaces it, and its earlier token is dead", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.saveDevice(deviceRecord("d1", "ana"));
    const again = deviceRecord("d1", "ana", {
      name: "desk",
      tokenHash: "next",
      createdAt: 4,
      lastUsedAt: 5,
      expiresAt: 6,
    });
    await accounts.saveDevice(again);
    assert.deepEqual(await accounts.findDevice("d1"), again);
    assert.equal(await accounts.findDeviceByToken("token of d1"), undefined);
    assert.deepEqual(await accounts.listDevices("ana"), [again]);
  });

  test("saving a device again keeps its cursors", async () => {
    const { accounts, messages, close } = await open();
    try {
      await accounts.addUser(userRecord("ana"));
      await accounts.saveDevice(deviceRecord("d1", "ana"));
      const cursor = await messages.openConsumer("d1", "ui", { maxConsumers: 1 });
      await messages.commit([{
        kind: "append",
        conversation: "ana",
        members: ["ana"],
        id: "01890000-0000-7000-8000-000000000001",
        sender: "ana",
        acceptedAt: 1,
        text: "hello",
      }]);
      await accounts.logOutDevice("d1");
      await accounts.saveDevice(deviceRecord("d1", "ana", { tokenHash: "next" }));
      assert.equal(await messages.openConsumer("d1", "ui", { maxConsumers: 1 }), cursor);
      assert.notEqual(messages.head, cursor);
    } finally {
      await close();
    }
  });

  test("devices with a token are listed, the one used last first", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.addUser(userRecord("ben"));
    const devices = ["d1", "d2", "d3"].map((id, index) => deviceRecord(id, "ana", { lastUsedAt: index }));
    for (const device of devices) await accounts.saveDevice(device);
    await accounts.saveDevice(deviceRecord("d4", "ben"));
    const ids = async () => (await accounts.listDevices("ana")).map(({ id }) => id);
    assert.deepEqual(await ids(), ["d3", "d2", "d1"]);
    await accounts.touchDevice("d1", { lastUsedAt: 10, expiresAt: 20 });
    await accounts.logOutDevice("d2");
    assert.deepEqual(await ids(), ["d1", "d3"]);
    assert.deepEqual(await accounts.findDevice("d1"), { ...devices[0], lastUsedAt: 10, expiresAt: 20 });
    assert.deepEqual(await accounts.findDevice("d2"), { ...devices[1], tokenHash: undefined });
    assert.equal(await accounts.findDeviceByToken("token of d2"), undefined);
  });

  test("trimDevices() removes what is logged out, the one used longest ago first, with its consumers", async () => {
    const { accounts, messages, close } = await open();
    try {
      for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
      const ids = ["d1", "d2", "d3", "d4"];
      for (const [index, id] of ids.entries()) {
        await accounts.saveDevice(deviceRecord(id, "ana", { lastUsedAt: index }));
      }
      await accounts.saveDevice(deviceRecord("d5", "ben", { tokenHash: undefined, lastUsedAt: 0 }));
      for (const id of ["d4", "d2", "d3"]) await accounts.logOutDevice(id);
      for (const id of ["d2", "d3"]) await messages.openConsumer(id, "ui", { maxConsumers: 1 });
      const kept = async (keep: number) => {
        await accounts.trimDevices("ana", { keep });
        const found = await Promise.all([...ids, "d5"].map((id) => accounts.findDevice(id)));
        return found.flatMap((device) => device?.id ?? []);
      };
      assert.deepEqual(await kept(4), ["d1", "d2", "d3", "d4", "d5"]);
      assert.deepEqual(await kept(3), ["d1", "d3", "d4", "d5"]);
      await assert.rejects(messages.openConsumer("d2", "ui", { maxConsumers: 1 }));
      assert.equal(await messages.openConsumer("d3", "tail", { maxConsumers: 1 }), undefined);
      assert.deepEqual(await kept(0), ["d1", "d5"]);
      await accounts.saveDevice(deviceRecord("d2", "ana", { tokenHash: "next" }));
      assert.equal(await messages.openConsumer("d2", "other", { maxConsumers: 1 }), messages.head);
    } finally {
      await close();
    }
  });

  test("rehashPassword() changes the hash and logs nobody out", async (accounts) => {
    await accounts.addUser(userRecord("ana"));
    await accounts.saveDevice(deviceRecord("d1", "ana"));
    await accounts.rehashPassword("ana", "next");
    assert.deepEqual(await accounts.findUser("ana"), userRecord("ana", { passwordHash: "next" }));
    assert.deepEqual(await accounts.listDevices("ana"), [deviceRecord("d1", "ana")]);
  });

  test("changePassword() logs out all of the user's devices and gives the kept one another token", async (accounts) => {
    for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
    for (const id of ["d1", "d2"]) await accounts.saveDevice(deviceRecord(id, "ana"));
    await accounts.saveDevice(deviceRecord("d3", "ben"));
    await accounts.changePassword("ana", "next", { deviceId: "d2", tokenHash: "kept", expiresAt: 9_000 });
    assert.equal((await accounts.findUser("ana"))?.passwordHash, "next");
    const kept = deviceRecord("d2", "ana", { tokenHash: "kept", expiresAt: 9_000 });
    assert.deepEqual(await accounts.listDevices("ana"), [kept]);
    assert.equal(await accounts.findDeviceByToken("token of d1"), undefined);
    assert.equal(await accounts.findDeviceByToken("token of d2"), undefined);
    assert.equal((await accounts.listDevices("ben")).length, 1);
    await accounts.changePassword("ana", "last", { deviceId: "d3", tokenHash: "stolen", expiresAt: 9_000 });
    assert.deepEqual(await accounts.listDevices("ana"), []);
    assert.deepEqual(await accounts.findDevice("d3"), deviceRecord("d3", "ben"));
    await accounts.changePassword("ben", "next");
    assert.deepEqual(await accounts.listDevices("ben"), []);
  });

  test("disabling a user logs out all of the user's devices; enabling brings no token back", async (accounts) => {
    for (const user of ["ana", "ben"]) await accounts.addUser(userRecord(user));
    await accounts.saveDevice(deviceRecord("d1", "ana"));
    await accounts.saveDevice(deviceRecord("d2", "ben"));
    await accounts.setDisabled("ana", true);
    assert.deepEqual(await accounts.findUser("ana"), userRecord("ana", { disabled: true }));
    assert.deepEqual(await accounts.listDevices("ana"), []);
    assert.equal((await accounts.listDevices("ben")).length, 1);
    await accounts.setDisabled("ana", false);
    assert.deepEqual(await accounts.findUser("ana"), userRecord("ana"));
    assert.equal((await accounts.findDevice("d1"))?.tokenHash, undefined);
  });
}
