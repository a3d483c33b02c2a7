import assert from "node:assert/strict";
import { exportData, type ExportSource, type ExportTarget } from "../../src/client/data_export.ts";
import { ChatError } from "../../src/core/chat_error.ts";
import type { Settings } from "../../src/core/people/settings_store.ts";
import type { Device } from "../../src/gen/chatd/v1/auth.ts";
import type { Conversation, Message } from "../../src/gen/chatd/v1/chat.ts";
import { rejectsWith } from "../support/checks/chat_error_assertions.ts";
import { wireConversation, wireMessage } from "../support/servers/wire_values.ts";

interface Log {
  readonly address: string;
  position: number;
  readonly entries: Message[];
}

function logOf(address: string, { position, count }: { position: number; count: number }): Log {
  const entries = [...Array(count).keys()].map((index) =>
    wireMessage({ seq: index + 1, conversation: `ana:${address}`, sender: address, text: `${index + 1}` })
  );
  return { address, position, entries };
}

const settings: Settings = {
  readReceipts: true,
  presence: false,
  directMessages: "contacts",
  displayName: "Ana Lopez",
  status: "on call",
};
const device: Device = {
  id: "d",
  name: "test",
  createdAtMs: 1_735_689_600_000,
  lastUsedAtMs: 0,
  expiresAtMs: 0,
  current: true,
  online: false,
};

/** A server with these conversations, in pages of ten. `before` runs before each answer, and may change them or throw. */
function sourceOf(logs: readonly Log[], before: (request: string) => void = () => {}): ExportSource {
  return {
    whoAmI: () => Promise.resolve({ user: "ana", deviceId: "d", deviceName: "test", tokenExpiresAtMs: 0 }),
    listDevices: () => Promise.resolve([device]),
    people: { settings: () => Promise.resolve({ settings, blocked: ["eve"] }) } as unknown as ExportSource["people"],
    files: { download: () => Promise.reject(new Error("no message has a file")) } as unknown as ExportSource["files"],
    async listConversations({ beforePosition = 0 } = {}) {
      await Promise.resolve();
      before("list");
      const rest = logs.filter(({ position }) => beforePosition === 0 || position < beforePosition)
        .toSorted((one, other) => other.position - one.position);
      const conversations = rest.slice(0, 10).map(({ address, position, entries }) =>
        wireConversation({ address, conversation: `ana:${address}`, headSeq: entries.length, position })
      );
      return { conversations, more: rest.length > conversations.length };
    },
    async history({ with: address, afterSeq = 0, events }) {
      await Promise.resolve();
      before("history");
      assert.equal(events, true);
      const { entries } = logs.find((log) => log.address === address)!;
      const messages = entries.slice(afterSeq, afterSeq + 10);
      const lastSeq = afterSeq + messages.length;
      const headSeq = entries.length;
      return {
        messages,
        firstSeq: afterSeq + 1,
        lastSeq,
        headSeq,
        startSeq: 1,
        more: false,
        moreAfter: lastSeq < headSeq,
      };
    },
  };
}

class MemoryTarget implements ExportTarget {
  readonly logs = new Map<string, Message[]>();
  readonly values = new Map<string, unknown>();

  newestSeq({ address }: Conversation): Promise<number> {
    return Promise.resolve(this.logs.get(address)?.at(-1)?.seq ?? 0);
  }

  addEntries({ address }: Conversation, entries: readonly Message[]): Promise<void> {
    this.logs.set(address, [...this.logs.get(address) ?? [], ...entries]);
    return Promise.resolve();
  }

  addFile(): Promise<void> {
    return Promise.reject(new Error("no message has a file"));
  }

  put(name: string, value: unknown): Promise<void> {
    this.values.set(name, value);
    return Promise.resolve();
  }
}

function run(source: ExportSource, target: ExportTarget, patienceMs = 20_000) {
  const signal = new AbortController().signal;
  return exportData({ source, target, signal, patienceMs, onConversation: () => {}, onMissingFile: () => {} });
}

function assertWhole(target: MemoryTarget, logs: readonly Log[]): void {
  assert.deepEqual([...target.logs.keys()].sort(), logs.map(({ address }) => address).sort());
  for (const { address, entries } of logs) assert.deepEqual(target.logs.get(address), entries, address);
}

Deno.test("all conversations are exported, across pages of the list and of each log", async () => {
  const logs = [...Array(35).keys()].map((index) => logOf(`user${index}`, { position: index + 1, count: index + 1 }));
  const target = new MemoryTarget();
  const { conversations, entries } = await run(sourceOf(logs), target);
  assert.deepEqual([conversations, entries], [35, 35 * 36 / 2]);
  assertWhole(target, logs);
});

Deno.test("the account, its settings and its conversations are proto3 JSON", async () => {
  const target = new MemoryTarget();
  await run(sourceOf([logOf("ben", { position: 1, count: 2 })]), target);
  assert.deepEqual(Object.fromEntries(target.values), {
    profile: { user: "ana", devices: [{ id: "d", name: "test", createdAtMs: "1735689600000", current: true }] },
    settings: {
      settings: {
        readReceipts: true,
        directMessages: "DIRECT_MESSAGES_CONTACTS",
        displayName: "Ana Lopez",
        status: "on call",
      },
      blocked: ["eve"],
    },
    conversations: [
      { address: "ben", conversation: "ana:ben", headSeq: "2", position: "1", role: "ROLE_MEMBER" },
    ],
  });
});

Deno.test("a conversation that moves to the top during the export is exported too", async () => {
  const logs = [...Array(25).keys()].map((index) => logOf(`user${index}`, { position: index + 1, count: 1 }));
  let lists = 0;
  const source = sourceOf(logs, (request) => {
    // The conversation moves from the second page to the top of the first.
    if (request === "list" && ++lists === 2) logs[3].position = 1_000;
  });
  const target = new MemoryTarget();
  await run(source, target);
  assertWhole(target, logs);
});

Deno.test("an export resumes after the newest stored entry", async () => {
  const logs = [logOf("ben", { position: 1, count: 45 })];
  const target = new MemoryTarget();
  target.logs.set("ben", logs[0].entries.slice(0, 17));
  assert.equal((await run(sourceOf(logs), target)).entries, 28);
  assertWhole(target, logs);
});

Deno.test("a temporary refusal is retried, and a permanent one ends the export", async () => {
  const logs = [logOf("ben", { position: 1, count: 25 })];
  const refusals = [
    new ChatError("rate_limited", "Too many requests.", { retryAfterMs: 1 }),
    new ChatError("unavailable", "Not connected."),
  ];
  const target = new MemoryTarget();
  await run(
    sourceOf(logs, (request) => {
      const refusal = request === "history" ? refusals.pop() : undefined;
      if (refusal) throw refusal;
    }),
    target,
  );
  assert.deepEqual(refusals, []);
  assertWhole(target, logs);
  const refuse = (code: "token_revoked" | "unavailable") => () => {
    throw new ChatError(code, "No.");
  };
  await rejectsWith("token_revoked", run(sourceOf(logs, refuse("token_revoked")), new MemoryTarget()));
  await rejectsWith("unavailable", run(sourceOf(logs, refuse("unavailable")), new MemoryTarget(), 0));
});
