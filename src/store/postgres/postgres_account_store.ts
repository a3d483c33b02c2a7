import type {
  AccountStore,
  AddUserOptions,
  AddUserResult,
  DeviceRecord,
  InviteRecord,
  UserRecord,
} from "../../core/accounts/account_store.ts";
import { nameSkeleton } from "../../core/accounts/name_skeleton.ts";
import { ChatError } from "../../core/chat_error.ts";
import { type DeviceRow, toDevice, toUser, type UserRow } from "../shared/account_rows.ts";
import { encodeText } from "../shared/column_values.ts";
import type { Queries } from "./connection/connection.ts";
import type { Database } from "./connection/database.ts";
import { isLocked, unsynced } from "./locked_devices.ts";
import { lockNames } from "./name_skeletons.ts";

/** Why a user may not be added, in the order of the checks. */
interface Obstacles {
  readonly isInvited: boolean;
  readonly exists: boolean;
  readonly isSimilar: boolean;
  readonly isFull: boolean;
}

const selectUser = 'SELECT name, password_hash, disabled, deleted, created_at, display_name, status FROM "user"';
const selectDevice = `
  SELECT d.public_id, u.name AS "user", d.name, d.token_hash, d.created_at, d.last_used_at, d.expires_at
  FROM device d JOIN "user" u ON u.id = d."user"`;
/** The index of tokens would find the logged-out devices of all users. */
const isLoggedOut = "coalesce(d.token_hash, '') = ''";
const ofUser = '"user" = (SELECT u.id FROM "user" u WHERE u.name = $1)';

/** SQL of the statements, by name. */
export const accountStatements = {
  // A name goes from one table to the other in one commit, so one statement finds it in either.
  findObstacles: `
    SELECT EXISTS (SELECT FROM invite WHERE code_hash = $3 AND expires_at > $4) AS "isInvited",
      EXISTS (SELECT FROM "user" WHERE name = $1) OR EXISTS (SELECT FROM retired_name WHERE name = $1) AS exists,
      EXISTS (SELECT FROM name_skeleton WHERE skeleton = $2) AS "isSimilar",
      -- Keys may have gaps, so they tell only that there is room.
      (SELECT max(id) FROM "user") - (SELECT count(*) FROM "user" WHERE deleted = 1) >= $5::bigint
        AND (SELECT count(*) FROM "user" WHERE deleted = 0) >= $5 AS "isFull"`,
  addUser: `
    WITH added AS (
      INSERT INTO "user" (name, password_hash, disabled, created_at) VALUES ($1, $2, $3, $4) RETURNING id),
    named AS (
      INSERT INTO name_skeleton ("user", display, skeleton, shared) SELECT id, 0, $5, $6::smallint FROM added)
    DELETE FROM invite WHERE code_hash = $7`,
  findUser: `${selectUser} WHERE name = $1`,
  listUsers: `${selectUser} WHERE name > $1 AND deleted = 0 ORDER BY name LIMIT $2`,
  setPassword: 'UPDATE "user" SET password_hash = $2 WHERE name = $1',
  setDisabled: 'UPDATE "user" SET disabled = $2 WHERE name = $1',
  deleteUser: "SELECT delete_user_1($1, $2, $3) AS deleted",
  // The lock of the user's row orders it with a deletion of the user and with changes of all devices.
  saveDevice: `
    INSERT INTO device (public_id, "user", name, token_hash, created_at, last_used_at, expires_at)
    SELECT $2, u.id, $3, $4, $5, $6, $7 FROM "user" u WHERE u.name = $1 FOR NO KEY UPDATE
    ON CONFLICT (public_id) DO UPDATE SET
      "user" = excluded."user", name = excluded.name, token_hash = excluded.token_hash,
      created_at = excluded.created_at, last_used_at = excluded.last_used_at, expires_at = excluded.expires_at
    RETURNING 1`,
  findDevice: `${selectDevice} WHERE d.public_id = $1`,
  findDeviceByToken: `${selectDevice} WHERE d.token_hash = $1`,
  listDevices: `
    ${selectDevice} WHERE d.${ofUser} AND NOT ${isLoggedOut} ORDER BY d.last_used_at DESC, d.id DESC`,
  // A power failure may undo it: after a restart, many devices reconnect at once, and the next use repeats a lost update.
  touchDevice: `UPDATE device SET last_used_at = $2, expires_at = $3 WHERE public_id = $1 AND ${unsynced}`,
  replaceTokens: `
    UPDATE device SET token_hash = CASE WHEN public_id = $2 THEN $3 END,
      expires_at = CASE WHEN public_id = $2 THEN $4 ELSE expires_at END
    WHERE ${isLocked(`d.${ofUser}`)}`,
  logOutAll: `UPDATE device SET token_hash = NULL WHERE ${isLocked(`d.${ofUser}`)}`,
  trimDevices: `DELETE FROM device WHERE ${
    isLocked(`${isLoggedOut} AND d.id = ANY (ARRAY(
      SELECT d.id FROM device d WHERE d.${ofUser} AND ${isLoggedOut} ORDER BY d.last_used_at, d.id
      LIMIT greatest(0, (SELECT count(*) FROM device d WHERE d.${ofUser}) - $2::bigint)))`)
  }`,
  logOutDevice: "UPDATE device SET token_hash = NULL WHERE public_id = $1",
  addInvite: "INSERT INTO invite (code_hash, created_at, expires_at) VALUES ($1, $2, $3)",
  hasInvite: "SELECT EXISTS (SELECT FROM invite WHERE code_hash = $1 AND expires_at > $2) AS found",
} as const;

const {
  findObstacles,
  addUser,
  findUser,
  listUsers,
  setPassword,
  setDisabled,
  deleteUser,
  saveDevice,
  findDevice,
  findDeviceByToken,
  listDevices,
  touchDevice,
  replaceTokens,
  logOutAll,
  trimDevices,
  logOutDevice,
  addInvite,
  hasInvite,
} = accountStatements;

/** The users of names, such as commits that have their keys in memory. */
export interface NameReaders {
  /** Runs a change of names, made in the line of commits; those that begin later find the names anew. */
  whileRenaming<T>(change: () => Promise<T>): Promise<T>;
}

/** The account store, in the same database as the message store. */
export class PostgresAccountStore implements AccountStore {
  readonly #database: Database;
  readonly #readers: NameReaders;

  constructor(database: Database, readers: NameReaders) {
    this.#database = database;
    this.#readers = readers;
  }

  addUser(
    { name, passwordHash, disabled, createdAt }: UserRecord,
    { invite, maxUsers, allowSimilar = false }: AddUserOptions = {},
  ): Promise<AddUserResult> {
    const skeleton = nameSkeleton(name);
    const limits = [invite?.codeHash ?? null, invite?.now ?? null, maxUsers ?? null];
    return this.#database.transaction(async (queries) => {
      await lockNames(queries);
      const [obstacles] = await queries.query<Obstacles>(findObstacles, [name, skeleton, ...limits]);
      const { isInvited, exists, isSimilar, isFull } = obstacles;
      if (invite !== undefined && !isInvited) return "invite_invalid";
      if (exists) return "exists";
      if (isSimilar && !allowSimilar) return "similar";
      if (isFull) return "full";
      const user = [name, passwordHash, Number(disabled), createdAt];
      await queries.query(addUser, [...user, skeleton, Number(isSimilar), invite?.codeHash ?? null]);
      return "added";
    });
  }

  async findUser(name: string): Promise<UserRecord | undefined> {
    return (await this.#database.read<UserRow>(findUser, [name])).map(toUser).at(0);
  }

  async listUsers({ after, limit }: { after: string; limit: number }): Promise<UserRecord[]> {
    return (await this.#database.read<UserRow>(listUsers, [after, limit])).map(toUser);
  }

  async rehashPassword(name: string, passwordHash: string): Promise<void> {
    await this.#database.write(setPassword, [name, passwordHash]);
  }

  changePassword(
    name: string,
    passwordHash: string,
    keep?: { deviceId: string; tokenHash: string; expiresAt: number },
  ): Promise<void> {
    return this.#changeUser([setPassword, [name, passwordHash]], async (queries) => {
      if (keep === undefined) await queries.query(logOutAll, [name]);
      else await queries.query(replaceTokens, [name, keep.deviceId, keep.tokenHash, keep.expiresAt]);
    });
  }

  setDisabled(name: string, disabled: boolean): Promise<void> {
    return this.#changeUser([setDisabled, [name, Number(disabled)]], async (queries) => {
      if (disabled) await queries.query(logOutAll, [name]);
    });
  }

  async deleteUser(name: string, { alias, erase }: { alias: string; erase: boolean }): Promise<boolean> {
    const call = () => this.#database.commit<{ deleted: boolean }>(deleteUser, [name, alias, erase]);
    const [{ deleted }] = await this.#readers.whileRenaming(call);
    return deleted;
  }

  async saveDevice({ id, user, name, tokenHash, createdAt, lastUsedAt, expiresAt }: DeviceRecord): Promise<void> {
    const values = [user, id, encodeText(name), tokenHash ?? null, createdAt, lastUsedAt, expiresAt];
    const saved = await this.#database.write(saveDevice, values);
    if (saved.length === 0) throw new ChatError("not_found", `There is no user "${user}".`);
  }

  async findDevice(id: string): Promise<DeviceRecord | undefined> {
    return (await this.#database.read<DeviceRow>(findDevice, [id])).map(toDevice).at(0);
  }

  async findDeviceByToken(tokenHash: string): Promise<DeviceRecord | undefined> {
    return (await this.#database.read<DeviceRow>(findDeviceByToken, [tokenHash])).map(toDevice).at(0);
  }

  async listDevices(user: string): Promise<DeviceRecord[]> {
    return (await this.#database.read<DeviceRow>(listDevices, [user])).map(toDevice);
  }

  async touchDevice(id: string, { lastUsedAt, expiresAt }: { lastUsedAt: number; expiresAt: number }): Promise<void> {
    await this.#database.write(touchDevice, [id, lastUsedAt, expiresAt]);
  }

  async trimDevices(user: string, { keep }: { keep: number }): Promise<void> {
    // In the line of commits, which move the cursors that go with the devices.
    await this.#database.commit(trimDevices, [user, keep]);
  }

  async logOutDevice(id: string): Promise<void> {
    await this.#database.write(logOutDevice, [id]);
  }

  async addInvite({ codeHash, createdAt, expiresAt }: InviteRecord): Promise<void> {
    await this.#database.write(addInvite, [codeHash, createdAt, expiresAt]);
  }

  async hasInvite({ codeHash, now }: { codeHash: string; now: number }): Promise<boolean> {
    const [{ found }] = await this.#database.read<{ found: boolean }>(hasInvite, [codeHash, now]);
    return found;
  }

  /** Changes the row of a user, whose lock then orders the changes of the devices. */
  #changeUser(
    [statement, values]: [string, readonly (string | number)[]],
    changeDevices: (queries: Queries) => Promise<void>,
  ): Promise<void> {
    return this.#database.transaction(async (queries) => {
      await queries.query(statement, values);
      await changeDevices(queries);
    });
  }
}
