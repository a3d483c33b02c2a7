import { parseUserName } from "../core/accounts/user_name.ts";
import { operator } from "../core/audit/audit.ts";
import type { AuditJournal } from "../core/audit/audit_journal.ts";
import type { Chat } from "../core/chat.ts";
import { ChatError } from "../core/chat_error.ts";
import { directConversation } from "../core/messages/message.ts";
import type { Retention } from "../core/messages/retention.ts";
import type { ControlHandlers } from "../host/control_socket.ts";
import { longVersion } from "../host/version.ts";

const maxPage = 500;
/** How long a command waits until a room is erased from the disk, in milliseconds; the erasure continues after that. */
const erasingMs = 20_000;

/**
 * Returns the handlers of the operator's commands, which run with or without a server. Arguments and results are JSON.
 */
export function operatorCommands(
  { chat, retention, audit }: { chat: Chat; retention: Retention; audit: AuditJournal },
): ControlHandlers {
  const { accounts, deletion, roomKeeper } = chat;
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
    "user.find": async (args) => await accounts.findUser(text(args, "name")) ?? null,
    "user.list": (args) => accounts.listUsers({ after: text(args, "after"), limit: maxPage }),
    "user.add": (args) => accounts.addUser({ name: text(args, "name"), password: text(args, "password") }),
    "user.set_password": (args) => accounts.setPassword(text(args, "name"), text(args, "password")),
    "user.disable": (args) => accounts.disable(text(args, "name")),
    "user.enable": (args) => accounts.enable(text(args, "name")),
    "user.delete": async (args) => {
      const mode = text(args, "mode");
      if (mode !== "" && mode !== "anonymize" && mode !== "erase") {
        throw new ChatError("invalid_argument", 'The argument "mode" must be "anonymize" or "erase".');
      }
      await deletion.delete(text(args, "name"), mode || undefined);
    },
    "room.list": (args) => roomKeeper.list({ after: text(args, "after"), limit: maxPage }),
    "room.show": (args) => roomKeeper.show(text(args, "address")),
    "room.delete": async (args) => {
      const { room, erased } = await roomKeeper.delete(text(args, "address"));
      audit.record({ action: "room_deleted", actor: operator, subject: room.id, detail: `#${room.name}` });
      await waitBriefly(erased);
      return room;
    },
    "retention.list": () => retention.listRules(),
    "retention.set": async (args) => {
      const address = text(args, "address");
      const [maxAgeMs, maxEntries] = [number(args, "maxAgeMs") || undefined, number(args, "maxEntries") || undefined];
      if (!await retention.setRule({ conversation: await conversationAt(address), maxAgeMs, maxEntries })) {
        throw new ChatError("not_found", `Cannot set a rule for "${address}": the conversation has no messages yet.`);
      }
      const limits = `max age ${maxAgeMs ?? "none"} ms, max entries ${maxEntries ?? "none"}`;
      audit.record({ action: "retention_changed", actor: operator, detail: `${address || "all"}: ${limits}` });
    },
    "retention.unset": async (args) => {
      const address = text(args, "address");
      if (!await retention.removeRule(await conversationAt(address))) {
        throw new ChatError("not_found", `There is no rule for ${address === "" ? "all" : `"${address}"`}.`);
      }
      audit.record({ action: "retention_changed", actor: operator, detail: `${address || "all"}: no rule` });
    },
    "audit.list": (args) =>
      audit.list({
        afterId: number(args, "afterId"),
        since: number(args, "since"),
        user: text(args, "user"),
        limit: maxPage,
      }),
    "audit.backup_made": (args) => {
      audit.record({ action: "backup_made", actor: operator, detail: text(args, "detail") });
      return Promise.resolve();
    },
    "user.invite": (args) => accounts.createInvite({ lifetimeMs: number(args, "lifetimeMs") }),
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

function text(args: Readonly<Record<string, unknown>>, name: string): string {
  const value = args[name];
  if (typeof value === "string") return value;
  throw new ChatError("invalid_argument", `The argument "${name}" is missing or not a string.`);
}

function number(args: Readonly<Record<string, unknown>>, name: string): number {
  const value = args[name];
  if (typeof value === "number") return value;
  throw new ChatError("invalid_argument", `The argument "${name}" is missing or not a number.`);
}
