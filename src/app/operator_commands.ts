import { noSuchUser } from "../core/accounts/accounts.ts";
import { parseUserName } from "../core/accounts/user_name.ts";
import { operator } from "../core/audit/audit.ts";
import type { AuditJournal } from "../core/audit/audit_journal.ts";
import type { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import { directConversation } from "../core/messages/message.ts";
import { createMessageId } from "../core/messages/message_id.ts";
import type { Retention } from "../core/messages/retention.ts";
import { longVersion } from "../host/version.ts";
import type { OperatorHandlers } from "./operator_calls.ts";

const maxPage = 500;
/** How long a command waits until a room is erased from the disk, in milliseconds; the erasure continues after that. */
const erasingMs = 20_000;

/** Returns the handlers of the operator's calls, which run with or without a server. */
export function operatorCommands(
  { chat, retention, audit, database = "" }: {
    chat: Chat;
    retention: Retention;
    audit: AuditJournal;
    database?: string;
  },
): OperatorHandlers {
  const { accounts, deletion, rooms, roomKeeper, settings } = chat;
  const requireUser = async (name: string): Promise<void> => {
    if (await accounts.findUser(name) === undefined) throw noSuchUser(name);
  };
  const conversationAt = async (address: string): Promise<string | undefined> => {
    if (address === "") return undefined;
    const [one, other, ...rest] = address.split(":");
    if (other === undefined) return (await roomKeeper.show(address)).room.id;
    if (rest.length > 0) {
      throw new ChatError("invalid_argument", `"${address}" is not a conversation: write "ana:ben".`);
    }
    return directConversation(parseUserName(one), parseUserName(other));
  };
  return {
    "server.version": () => Promise.resolve(longVersion),
    "server.database": () => Promise.resolve(database),
    "server.standby": () => Promise.resolve(""),
    "user.find": ({ name }) => accounts.findUser(name),
    "user.list": ({ after }) => accounts.listUsers({ after, limit: maxPage }),
    "user.add": ({ name, password, allowSimilar }) => accounts.addUser({ name, password, allowSimilar }),
    "user.set_display_name": async ({ name, displayName, allowSimilar }) => {
      await requireUser(name);
      await settings.update(name, { displayName }, { allowSimilar });
      audit.record({ action: "display_name_set", actor: operator, subject: name });
    },
    "user.set_status": async ({ name, status }) => {
      await requireUser(name);
      await settings.update(name, { status });
      audit.record({ action: "status_set", actor: operator, subject: name });
    },
    "user.set_password": ({ name, password }) => accounts.setPassword(name, password),
    "user.disable": ({ name }) => accounts.disable(name),
    "user.enable": ({ name }) => accounts.enable(name),
    "user.delete": ({ name, mode }) => deletion.delete(name, mode || undefined),
    "user.invite": ({ lifetimeMs }) => accounts.createInvite({ lifetimeMs }),
    "room.list": ({ after }) => roomKeeper.list({ after, limit: maxPage }),
    "room.show": ({ address }) => roomKeeper.show(address),
    "room.add": async ({ address, user }) => {
      const { room } = await roomKeeper.show(address);
      await rooms.add({ id: createMessageId(Date.now()), roomId: room.id, user });
      return room;
    },
    "room.set_mention_all": async ({ address, mentionAll }) => {
      const { room } = await roomKeeper.show(address);
      await rooms.setMentionAll({ id: createMessageId(Date.now()), roomId: room.id, mentionAll });
      return room;
    },
    "room.delete": async ({ address }) => {
      const { room, erased } = await roomKeeper.delete(address);
      audit.record({ action: "room_deleted", actor: operator, subject: room.id, detail: `#${room.name}` });
      await waitBriefly(erased);
      return room;
    },
    "retention.list": () => retention.listRules(),
    "retention.set": async ({ address, ...given }) => {
      const [maxAgeMs, maxEntries] = [given.maxAgeMs || undefined, given.maxEntries || undefined];
      if (!await retention.setRule({ conversation: await conversationAt(address), maxAgeMs, maxEntries })) {
        throw new ChatError("not_found", `Cannot set a rule for "${address}": the conversation has no messages yet.`);
      }
      const limits = `max age ${maxAgeMs ?? "none"} ms, max entries ${maxEntries ?? "none"}`;
      audit.record({ action: "retention_changed", actor: operator, detail: `${address || "all"}: ${limits}` });
    },
    "retention.unset": async ({ address }) => {
      if (!await retention.removeRule(await conversationAt(address))) {
        throw new ChatError("not_found", `There is no rule for ${address === "" ? "all" : `"${address}"`}.`);
      }
      audit.record({ action: "retention_changed", actor: operator, detail: `${address || "all"}: no rule` });
    },
    "audit.list": ({ afterId, since, user }) => audit.list({ afterId, since, user, limit: maxPage }),
    "audit.backup_made": ({ detail }) => {
      audit.record({ action: "backup_made", actor: operator, detail });
      return Promise.resolve();
    },
  };
}

/** Waits for work, but not longer than `erasingMs`. */
async function waitBriefly(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, erasingMs));
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
