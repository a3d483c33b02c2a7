import type { Accounts } from "../core/accounts.ts";
import { operator } from "../core/audit.ts";
import type { AuditJournal } from "../core/audit_journal.ts";
import { ChatError } from "../core/chat_error.ts";
import type { ControlHandlers } from "./control_socket.ts";

const maxPage = 500;

/** What the operator can have done, whether a server runs or not. Arguments and results are JSON. */
export function operatorCommands({ accounts, audit }: { accounts: Accounts; audit: AuditJournal }): ControlHandlers {
  return {
    "user.find": async (args) => await accounts.findUser(text(args, "name")) ?? null,
    "user.list": (args) => accounts.listUsers({ after: text(args, "after"), limit: maxPage }),
    "user.add": (args) => accounts.addUser({ name: text(args, "name"), password: text(args, "password") }),
    "user.set_password": (args) => accounts.setPassword(text(args, "name"), text(args, "password")),
    "user.disable": (args) => accounts.disable(text(args, "name")),
    "user.enable": (args) => accounts.enable(text(args, "name")),
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

function text(args: Readonly<Record<string, unknown>>, name: string): string {
  const value = args[name];
  if (typeof value === "string") return value;
  throw new ChatError("invalid_argument", `The argument "${name}" is missing or no text.`);
}

function number(args: Readonly<Record<string, unknown>>, name: string): number {
  const value = args[name];
  if (typeof value === "number") return value;
  throw new ChatError("invalid_argument", `The argument "${name}" is missing or no number.`);
}
