import type {
  AccountStore,
  AddUserOptions,
  AddUserResult,
  DeviceRecord,
  InviteRecord,
  UserRecord,
} from "../../core/accounts/account_store.ts";
import { directConversation } from "../../core/messages/message.ts";
import { directMessagesCodes } from "../shared/codes.ts";
import { type DeviceRow, toDevice, toUser, type UserRow } from "../shared/account_rows.ts";
import { encodeText, settle } from "../shared/column_values.ts";
import type { Database } from "./database.ts";
import { NameSkeletons } from "./name_skeletons.ts";

const selectUser = "SELECT name, password_hash, disabled, deleted, created_at, display_name, status FROM user";
const selectDevice = `
  SELECT d.public_id, u.name AS user, d.name, d.token_hash, d.created_at, d.last_used_at, d.expires_at
  FROM device d JOIN user u ON u.id = d.user`;
const ofUser = "user = (SELECT id FROM user WHERE name = :user)";

function prepareStatements(database: Database) {
  return {
    addUser: database.prepare(
      `INSERT INTO user (name, password_hash, disabled, created_at)
       VALUES (:name, :passwordHash, :disabled, :createdAt)`,
    ),
    isRetired: database.prepare("SELECT 1 FROM retired_name WHERE name = ?"),
    // Rows are never removed, so the highest key is the number of accounts that were ever created.
    countUsers: database.prepare(
      "SELECT (SELECT max(id) FROM user) - (SELECT count(*) FROM user WHERE deleted = 1 AND id > 0) AS users",
    ),
    findUser: database.prepare(`${selectUser} WHERE name = ?`),
    listUsers: database.prepare(`${selectUser} WHERE name > ? AND deleted = 0 ORDER BY name LIMIT +?`),
    setPassword: database.prepare("UPDATE user SET password_hash = ? WHERE name = ?"),
    setDisabled: database.prepare("UPDATE user SET disabled = ? WHERE name = ?"),
    findUndeleted: database.prepare("SELECT id FROM user WHERE name = ? AND deleted = 0"),
    retireUser: database.prepare(
      `UPDATE user SET name = :alias, password_hash = '', disabled = 1, deleted = 1, read_receipts = 0, presence = 0,
         direct_messages = ${directMessagesCodes.nobody}, last_seen_at = 0, display_name = '', status = '' WHERE id = :user`,
    ),
    retireName: database.prepare("INSERT INTO retired_name (name) VALUES (?)"),
    removeBlocks: database.prepare("DELETE FROM block WHERE user = ?"),
    removeDevicesOf: database.prepare("DELETE FROM device WHERE user = ?"),
    addErasure: database.prepare("INSERT INTO erasure (user, after_id) VALUES (?, x'')"),
    // Excludes rooms, whose names do not contain names of users.
    directConversations: database.prepare(
      `SELECT c.id, c.name FROM member m CROSS JOIN conversation c ON c.id = m.conversation
       WHERE m.user = ? AND m.room = 0`,
    ),
    renameConversation: database.prepare("UPDATE conversation SET name = ? WHERE id = ?"),
    saveDevice: database.prepare(
      `INSERT INTO device (public_id, user, name, token_hash, created_at, last_used_at, expires_at)
       VALUES (:id, (SELECT id FROM user WHERE name = :user), :name, :tokenHash, :createdAt, :lastUsedAt, :expiresAt)
       ON CONFLICT (public_id) DO UPDATE SET
         user = excluded.user, name = excluded.name, token_hash = excluded.token_hash, created_at = excluded.created_at,
         last_used_at = excluded.last_used_at, expires_at = excluded.expires_at`,
    ),
    findDevice: database.prepare(`${selectDevice} WHERE d.public_id = ?`),
    findDeviceByToken: database.prepare(`${selectDevice} WHERE d.token_hash = ?`),
    listDevices: database.prepare(
      `${selectDevice} WHERE d.${ofUser} AND d.token_hash IS NOT NULL ORDER BY d.last_used_at DESC, d.id DESC`,
    ),
    touchDevice: database.prepare("UPDATE device SET last_used_at = ?, expires_at = ? WHERE public_id = ?"),
    setToken: database.prepare(
      `UPDATE device SET token_hash = :tokenHash, expires_at = :expiresAt WHERE public_id = :deviceId AND ${ofUser}`,
    ),
    trimDevices: database.prepare(
      `DELETE FROM device WHERE id IN (
         SELECT id FROM device WHERE ${ofUser} AND token_hash IS NULL ORDER BY last_used_at, id
         LIMIT max(0, (SELECT count(*) FROM device WHERE ${ofUser}) - :keep))`,
    ),
    logOutDevice: database.prepare("UPDATE device SET token_hash = NULL WHERE public_id = ?"),
    logOutAll: database.prepare(`UPDATE device SET token_hash = NULL WHERE ${ofUser}`),
    addInvite: database.prepare(
      "INSERT INTO invite (code_hash, created_at, expires_at) VALUES (:codeHash, :createdAt, :expiresAt)",
    ),
    findInvite: database.prepare("SELECT 1 FROM invite WHERE code_hash = ? AND expires_at > ?"),
    removeInvite: database.prepare("DELETE FROM invite WHERE code_hash = ?"),
  };
}

/** The account store, in the same database as the message store. */
export class SqliteAccountStore implements AccountStore {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #skeletons: NameSkeletons;
  readonly #onRenamed: () => void;

  /** @param options.onRenamed called after users and conversations were renamed */
  constructor(database: Database, { onRenamed = () => {} }: { onRenamed?: () => void } = {}) {
    this.#database = database;
    this.#statements = prepareStatements(database);
    this.#skeletons = new NameSkeletons(database);
    this.#onRenamed = onRenamed;
  }

  addUser(
    user: UserRecord,
    { invite, maxUsers, allowSimilar = false }: AddUserOptions = {},
  ): Promise<AddUserResult> {
    const { addUser, isRetired, findUser, countUsers, findInvite, removeInvite } = this.#statements;
    return this.#write(() => {
      if (invite && !findInvite.get(invite.codeHash, invite.now)) return "invite_invalid";
      if (findUser.get(user.name) || isRetired.get(user.name)) return "exists";
      if (!allowSimilar && this.#skeletons.isTaken(user.name)) return "similar";
      if (maxUsers !== undefined && Number(countUsers.get()!.users) >= maxUsers) return "full";
      const { lastInsertRowid } = addUser.run({
        name: user.name,
        passwordHash: user.passwordHash,
        disabled: Number(user.disabled),
        createdAt: user.createdAt,
      });
      this.#skeletons.addName(Number(lastInsertRowid), user.name);
      if (invite) removeInvite.run(invite.codeHash);
      return "added";
    });
  }

  findUser(name: string): Promise<UserRecord | undefined> {
    return settle(() => found(this.#statements.findUser.get(name), toUser));
  }

  listUsers({ after, limit }: { after: string; limit: number }): Promise<UserRecord[]> {
    return settle(() => (this.#statements.listUsers.all(after, limit) as unknown as UserRow[]).map(toUser));
  }

  rehashPassword(name: string, passwordHash: string): Promise<void> {
    return this.#write(() => void this.#statements.setPassword.run(passwordHash, name));
  }

  changePassword(
    name: string,
    passwordHash: string,
    keep?: { deviceId: string; tokenHash: string; expiresAt: number },
  ): Promise<void> {
    const { setPassword, logOutAll, setToken } = this.#statements;
    return this.#write(() => {
      setPassword.run(passwordHash, name);
      logOutAll.run({ user: name });
      if (keep) {
        const { deviceId, tokenHash, expiresAt } = keep;
        setToken.run({ deviceId, tokenHash, expiresAt, user: name });
      }
    });
  }

  setDisabled(name: string, disabled: boolean): Promise<void> {
    const { setDisabled, logOutAll } = this.#statements;
    return this.#write(() => {
      setDisabled.run(Number(disabled), name);
      if (disabled) logOutAll.run({ user: name });
    });
  }

  deleteUser(name: string, { alias, erase }: { alias: string; erase: boolean }): Promise<boolean> {
    const { findUndeleted, retireUser, retireName, removeBlocks, removeDevicesOf, addErasure } = this.#statements;
    return this.#write(() => {
      const { id: user } = (findUndeleted.get(name) ?? {}) as { id?: number };
      if (user === undefined) return false;
      this.#renameConversations(user, { name, alias });
      retireUser.run({ alias, user });
      retireName.run(name);
      this.#skeletons.claimDisplayName(user, "");
      removeBlocks.run(user);
      removeDevicesOf.run(user);
      if (erase) addErasure.run(user);
      return true;
    }).then((isDeleted) => {
      if (isDeleted) this.#onRenamed();
      return isDeleted;
    });
  }

  saveDevice(device: DeviceRecord): Promise<void> {
    return this.#write(() => {
      this.#statements.saveDevice.run({
        id: device.id,
        user: device.user,
        name: encodeText(device.name),
        tokenHash: device.tokenHash ?? null,
        createdAt: device.createdAt,
        lastUsedAt: device.lastUsedAt,
        expiresAt: device.expiresAt,
      });
    });
  }

  findDevice(id: string): Promise<DeviceRecord | undefined> {
    return settle(() => found(this.#statements.findDevice.get(id), toDevice));
  }

  findDeviceByToken(tokenHash: string): Promise<DeviceRecord | undefined> {
    return settle(() => found(this.#statements.findDeviceByToken.get(tokenHash), toDevice));
  }

  listDevices(user: string): Promise<DeviceRecord[]> {
    return settle(() => (this.#statements.listDevices.all({ user }) as unknown as DeviceRow[]).map(toDevice));
  }

  touchDevice(id: string, { lastUsedAt, expiresAt }: { lastUsedAt: number; expiresAt: number }): Promise<void> {
    // Not durable: after a restart, many devices reconnect at once, and the next use repeats a lost update.
    return this.#database.sharedTransaction(() => void this.#statements.touchDevice.run(lastUsedAt, expiresAt, id));
  }

  trimDevices(user: string, { keep }: { keep: number }): Promise<void> {
    return this.#write(() => void this.#statements.trimDevices.run({ user, keep }));
  }

  logOutDevice(id: string): Promise<void> {
    return this.#write(() => void this.#statements.logOutDevice.run(id));
  }

  addInvite({ codeHash, createdAt, expiresAt }: InviteRecord): Promise<void> {
    return this.#write(() => void this.#statements.addInvite.run({ codeHash, createdAt, expiresAt }));
  }

  hasInvite({ codeHash, now }: { codeHash: string; now: number }): Promise<boolean> {
    return settle(() => this.#statements.findInvite.get(codeHash, now) !== undefined);
  }

  #renameConversations(user: number, { name, alias }: { name: string; alias: string }): void {
    const { directConversations, renameConversation } = this.#statements;
    for (const { id, name: conversation } of directConversations.all(user) as { id: number; name: string }[]) {
      const [one, other] = conversation.split(":").map((member) => member === name ? alias : member);
      renameConversation.run(directConversation(one, other), id);
    }
  }

  #write<T>(work: () => T): Promise<T> {
    return settle(() => this.#database.transaction(work));
  }
}

/** Decodes a row that may not be there. */
function found<Row, T>(row: unknown, decode: (row: Row) => T): T | undefined {
  return row === undefined ? undefined : decode(row as Row);
}
