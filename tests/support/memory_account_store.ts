import type { AccountStore, DeviceRecord, InviteRecord, UserRecord } from "../../src/core/account_store.ts";

/** Accounts in memory. Answers later than at once, as a disk does. */
export class MemoryAccountStore implements AccountStore {
  readonly users = new Map<string, UserRecord>();
  readonly devices = new Map<string, DeviceRecord>();
  readonly invites = new Map<string, InviteRecord>();
  touches = 0;

  async addUser(user: UserRecord, invite?: { codeHash: string; now: number }) {
    await undefined;
    if (this.users.has(user.name)) return "exists";
    if (invite) {
      const found = this.invites.get(invite.codeHash);
      if (!found || found.expiresAt <= invite.now) return "invite_invalid";
      this.invites.delete(invite.codeHash);
    }
    this.users.set(user.name, user);
    return "added";
  }

  async findUser(name: string) {
    await undefined;
    return this.users.get(name);
  }

  async listUsers({ after, limit }: { after: string; limit: number }) {
    await undefined;
    return [...this.users.values()].filter((user) => user.name > after).sort((a, b) => a.name < b.name ? -1 : 1)
      .slice(0, limit);
  }

  async rehashPassword(name: string, passwordHash: string) {
    await undefined;
    this.#updateUser(name, { passwordHash });
  }

  async changePassword(
    name: string,
    passwordHash: string,
    keep?: { deviceId: string; tokenHash: string; expiresAt: number },
  ) {
    await undefined;
    this.#updateUser(name, { passwordHash });
    for (const { id } of await this.listDevices(name)) {
      this.#updateDevice(id, { tokenHash: undefined });
      if (keep?.deviceId === id) this.#updateDevice(id, { tokenHash: keep.tokenHash, expiresAt: keep.expiresAt });
    }
  }

  async setDisabled(name: string, disabled: boolean) {
    await undefined;
    this.#updateUser(name, { disabled });
    if (!disabled) return;
    for (const { id } of await this.listDevices(name)) this.#updateDevice(id, { tokenHash: undefined });
  }

  async saveDevice(device: DeviceRecord) {
    await undefined;
    this.devices.set(device.id, device);
  }

  async findDevice(id: string) {
    await undefined;
    return this.devices.get(id);
  }

  async findDeviceByToken(tokenHash: string) {
    await undefined;
    return [...this.devices.values()].find((device) => device.tokenHash === tokenHash);
  }

  async listDevices(user: string) {
    await undefined;
    return [...this.devices.values()].filter((device) => device.user === user && device.tokenHash !== undefined)
      .sort((a, b) => b.lastUsedAt - a.lastUsedAt);
  }

  async touchDevice(id: string, times: { lastUsedAt: number; expiresAt: number }) {
    await undefined;
    this.touches++;
    this.#updateDevice(id, times);
  }

  async logOutDevice(id: string) {
    await undefined;
    this.#updateDevice(id, { tokenHash: undefined });
  }

  async addInvite(invite: InviteRecord) {
    await undefined;
    this.invites.set(invite.codeHash, invite);
  }

  #updateUser(name: string, change: Partial<UserRecord>): void {
    const user = this.users.get(name);
    if (user) this.users.set(name, { ...user, ...change });
  }

  #updateDevice(id: string, change: Partial<DeviceRecord>): void {
    const device = this.devices.get(id);
    if (device) this.devices.set(id, { ...device, ...change });
  }
}
