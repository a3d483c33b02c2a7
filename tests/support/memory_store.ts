// deno-lint-ignore-file require-await
import type { AccountStore, DeviceRecord, InviteRecord, UserRecord } from "../../src/core/account_store.ts";
import type { Accepted, Message } from "../../src/core/message.ts";
import type {
  Append,
  Change,
  ChangeResult,
  ConversationSummary,
  HistoryPage,
  MessageBatch,
  MessageStore,
  MoveCursor,
} from "../../src/core/message_store.ts";

interface Limits {
  limit: number;
  maxBytes: number;
}

const encoder = new TextEncoder();

/** Both stores, without a disk: nothing outlives the object. */
export class MemoryStore implements MessageStore, AccountStore {
  readonly epoch = crypto.randomUUID();
  /** When set, commits fail with it and change nothing, as on a full disk. */
  commitError: unknown;

  readonly #log: Message[] = [];
  readonly #members = new Map<string, ReadonlySet<string>>();
  readonly #cursors = new Map<string, number>();
  readonly #users = new Map<string, UserRecord>();
  readonly #devices = new Map<string, DeviceRecord>();
  readonly #invites = new Map<string, InviteRecord>();

  get head(): number {
    return this.#log.length;
  }

  async commit(changes: readonly Change[]): Promise<ChangeResult[]> {
    if (this.commitError !== undefined) throw this.commitError;
    return changes.map((change): ChangeResult => {
      try {
        return change.kind === "append" ? this.#append(change) : this.#moveCursor(change);
      } catch (cause) {
        return { kind: "failed", cause };
      }
    });
  }

  async messagesAfter(user: string, position: number, limits: Limits): Promise<MessageBatch> {
    const visible = this.#log.filter((message) => message.position > position && this.#isMember(user, message));
    const messages = within(visible, limits);
    return { messages, through: messages.length < visible.length ? messages.at(-1)!.position : this.head };
  }

  async history(conversation: string, page: Limits & { beforeSeq: number }): Promise<HistoryPage> {
    const all = this.#log.filter((message) => message.conversation === conversation);
    const before = all.filter(({ seq }) => page.beforeSeq === 0 || seq < page.beforeSeq).reverse();
    const messages = within(before, page).reverse();
    return { messages, headSeq: all.length, more: messages.length < before.length };
  }

  async sentBy(sender: string, page: Limits & { beforeId: string }): Promise<{ messages: Message[]; more: boolean }> {
    const before = this.#log
      .filter((message) => message.sender === sender && (page.beforeId === "" || message.id < page.beforeId))
      .sort((one, other) => one.id < other.id ? 1 : -1);
    const messages = within(before, page).reverse();
    return { messages, more: messages.length < before.length };
  }

  async conversationsOf(
    user: string,
    page: Limits & { beforePosition: number },
  ): Promise<{ conversations: ConversationSummary[]; more: boolean }> {
    const last = new Map<string, Message>();
    for (const message of this.#log) if (this.#isMember(user, message)) last.set(message.conversation, message);
    const before = [...last.values()]
      .filter(({ position }) => page.beforePosition === 0 || position < page.beforePosition)
      .sort((one, other) => other.position - one.position);
    const conversations = within(before, page)
      .map((message) => ({ conversation: message.conversation, headSeq: message.seq, last: message }));
    return { conversations, more: conversations.length < before.length };
  }

  async peersAmong(user: string, others: readonly string[]): Promise<string[]> {
    const peers = new Set(
      [...this.#members.values()].filter((members) => members.has(user)).flatMap((set) => [...set]),
    );
    peers.delete(user);
    return others.filter((other) => peers.has(other));
  }

  async openConsumer(
    deviceId: string,
    consumer: string,
    { maxConsumers }: { maxConsumers: number },
  ): Promise<number | undefined> {
    const key = this.#cursorKey(deviceId, consumer);
    const ofDevice = [...this.#cursors.keys()].filter((each) => each.startsWith(`${deviceId} `));
    if (!this.#cursors.has(key) && ofDevice.length >= maxConsumers) return undefined;
    const position = this.#cursors.get(key) ?? this.head;
    this.#cursors.set(key, position);
    return position;
  }

  async addUser(
    user: UserRecord,
    invite?: { codeHash: string; now: number },
  ): Promise<"added" | "exists" | "invite_invalid"> {
    if (invite) {
      const found = this.#invites.get(invite.codeHash);
      if (!found || found.expiresAt <= invite.now) return "invite_invalid";
    }
    if (this.#users.has(user.name)) return "exists";
    if (invite) this.#invites.delete(invite.codeHash);
    this.#users.set(user.name, user);
    return "added";
  }

  async findUser(name: string): Promise<UserRecord | undefined> {
    return this.#users.get(name);
  }

  async listUsers({ after, limit }: { after: string; limit: number }): Promise<UserRecord[]> {
    const following = [...this.#users.values()].filter(({ name }) => name > after);
    return following.sort((one, other) => one.name < other.name ? -1 : 1).slice(0, limit);
  }

  async rehashPassword(name: string, passwordHash: string): Promise<void> {
    this.#changeUser(name, { passwordHash });
  }

  async changePassword(
    name: string,
    passwordHash: string,
    keep?: { deviceId: string; tokenHash: string; expiresAt: number },
  ): Promise<void> {
    this.#changeUser(name, { passwordHash });
    this.#logOutAll(name);
    if (keep && this.#devices.get(keep.deviceId)?.user === name) {
      this.#changeDevice(keep.deviceId, { tokenHash: keep.tokenHash, expiresAt: keep.expiresAt });
    }
  }

  async setDisabled(name: string, disabled: boolean): Promise<void> {
    this.#changeUser(name, { disabled });
    if (disabled) this.#logOutAll(name);
  }

  async saveDevice(device: DeviceRecord): Promise<void> {
    this.#requireUser(device.user);
    this.#devices.set(device.id, device);
  }

  async findDevice(id: string): Promise<DeviceRecord | undefined> {
    return this.#devices.get(id);
  }

  async findDeviceByToken(tokenHash: string): Promise<DeviceRecord | undefined> {
    return [...this.#devices.values()].find((device) => device.tokenHash === tokenHash);
  }

  async listDevices(user: string): Promise<DeviceRecord[]> {
    const held = [...this.#devices.values()].filter((device) => device.user === user && device.tokenHash !== undefined);
    return held.sort((one, other) => other.lastUsedAt - one.lastUsedAt);
  }

  async touchDevice(id: string, times: { lastUsedAt: number; expiresAt: number }): Promise<void> {
    this.#changeDevice(id, times);
  }

  async trimDevices(user: string, { keep }: { keep: number }): Promise<void> {
    const devices = [...this.#devices.values()].filter((device) => device.user === user);
    const loggedOut = devices.filter(({ tokenHash }) => tokenHash === undefined);
    loggedOut.sort((one, other) => one.lastUsedAt - other.lastUsedAt);
    this.#removeDevices(loggedOut.slice(0, Math.max(0, devices.length - keep)));
  }

  async logOutDevice(id: string): Promise<void> {
    this.#changeDevice(id, { tokenHash: undefined });
  }

  async removeDevices(before: number): Promise<number> {
    const old = [...this.#devices.values()].filter(({ tokenHash, lastUsedAt, expiresAt }) =>
      (tokenHash === undefined && lastUsedAt < before) || expiresAt < before
    );
    this.#removeDevices(old);
    return old.length;
  }

  async addInvite(invite: InviteRecord): Promise<void> {
    this.#invites.set(invite.codeHash, invite);
  }

  async hasInvite({ codeHash, now }: { codeHash: string; now: number }): Promise<boolean> {
    const found = this.#invites.get(codeHash);
    return found !== undefined && found.expiresAt > now;
  }

  #append(append: Append): ChangeResult {
    const { conversation, members, id, sender, acceptedAt, text } = append;
    this.#requireUser(sender);
    const before = this.#find(sender, id);
    if (before) {
      if (before.conversation !== conversation || before.text !== text) return { kind: "conflict" };
      return { kind: "duplicate", accepted: toAccepted(before) };
    }
    if (append.refused) return { kind: "refused" };
    for (const user of members) this.#requireUser(user);
    if (!this.#members.has(conversation)) this.#members.set(conversation, new Set(members));
    const seq = this.#log.filter((message) => message.conversation === conversation).length + 1;
    const message = { position: this.head + 1, conversation, seq, id, sender, acceptedAt, text };
    this.#log.push(message);
    return { kind: "accepted", message };
  }

  #moveCursor({ deviceId, consumer, position }: MoveCursor): ChangeResult {
    if (position > this.head) throw new RangeError(`A cursor cannot be at ${position}: the head is at ${this.head}`);
    const key = this.#cursorKey(deviceId, consumer);
    this.#cursors.set(key, Math.max(position, this.#cursors.get(key) ?? 0));
    return { kind: "moved" };
  }

  #cursorKey(deviceId: string, consumer: string): string {
    if (!this.#devices.has(deviceId)) throw new Error(`There is no device ${deviceId}`);
    return `${deviceId} ${consumer}`;
  }

  #find(sender: string, id: string): Message | undefined {
    return this.#log.find((message) => message.sender === sender && message.id === id);
  }

  #isMember(user: string, { conversation }: Message): boolean {
    return this.#members.get(conversation)!.has(user);
  }

  #requireUser(name: string): void {
    if (!this.#users.has(name)) throw new Error(`There is no user "${name}"`);
  }

  #changeUser(name: string, change: Partial<UserRecord>): void {
    const user = this.#users.get(name);
    if (user) this.#users.set(name, { ...user, ...change });
  }

  #changeDevice(id: string, change: Partial<DeviceRecord>): void {
    const device = this.#devices.get(id);
    if (device) this.#devices.set(id, { ...device, ...change });
  }

  #removeDevices(devices: readonly DeviceRecord[]): void {
    for (const { id } of devices) {
      this.#devices.delete(id);
      for (const key of [...this.#cursors.keys()]) if (key.startsWith(`${id} `)) this.#cursors.delete(key);
    }
  }

  #logOutAll(user: string): void {
    for (const device of this.#devices.values()) {
      if (device.user === user) this.#changeDevice(device.id, { tokenHash: undefined });
    }
  }
}

/** As many as the limits allow from the first on: always the first, if there is one. */
function within(messages: readonly Message[], { limit, maxBytes }: Limits): Message[] {
  let bytes = 0;
  const end = messages.slice(0, limit).findIndex(({ text }, index) => {
    bytes += encoder.encode(text).length;
    return index > 0 && bytes > maxBytes;
  });
  return messages.slice(0, end === -1 ? limit : end);
}

function toAccepted({ position, conversation, seq, acceptedAt }: Message): Accepted {
  return { position, conversation, seq, acceptedAt };
}
