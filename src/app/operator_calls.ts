import type { User } from "../core/accounts/accounts.ts";
import type { AuditEntry } from "../core/audit/audit.ts";
import { ChatError } from "../core/chat_error.ts";
import type { DeletedAccounts } from "../core/limits.ts";
import type { ConversationRule } from "../core/messages/retention_store.ts";
import { type MemberRole, memberRoles, type Room } from "../core/rooms/room.ts";
import type { RoomMember } from "../core/rooms/rooms.ts";
import type { ControlHandler, ControlHandlers } from "../host/control_socket.ts";

/**
 * The calls of an operator to a server, over the control socket in its data folder, or through its database. Arguments
 * and results are JSON, in which an undefined result is null. Lists come in pages, which begin after the last item of the
 * page before; "" or 0 starts with the first.
 */
export interface OperatorCalls {
  /** Returns the output of `chatd --version`. */
  "server.version"(args: NoArguments): Promise<string>;
  /** Returns the address of the server's database; "" if it keeps its data in the folder. */
  "server.database"(args: NoArguments): Promise<string>;
  /** Returns why the server stands by, as a sentence for people; "" if it serves. */
  "server.standby"(args: NoArguments): Promise<string>;
  "user.find"(args: { name: string }): Promise<User | undefined>;
  /** By name. */
  "user.list"(args: { after: string }): Promise<User[]>;
  /** `allowSimilar`: also when the name looks like another. */
  "user.add"(args: { name: string; password: string; allowSimilar: boolean }): Promise<void>;
  /** "" removes the display name. */
  "user.set_display_name"(args: { name: string; displayName: string; allowSimilar: boolean }): Promise<void>;
  /** "" removes the status text. */
  "user.set_status"(args: { name: string; status: string }): Promise<void>;
  "user.set_password"(args: { name: string; password: string }): Promise<void>;
  "user.disable"(args: { name: string }): Promise<void>;
  "user.enable"(args: { name: string }): Promise<void>;
  /** With the mode "", the server's setting decides about the messages of the account. */
  "user.delete"(args: { name: string; mode: DeletedAccounts | "" }): Promise<void>;
  /** Returns the code of the invitation. */
  "user.invite"(args: { lifetimeMs: number }): Promise<string>;
  /** By id. */
  "room.list"(args: { after: string }): Promise<Room[]>;
  "room.show"(args: { address: string }): Promise<{ room: Room; people: RoomMember[] }>;
  /** Adds a user to a room, also to a private one. Returns the room as it was. */
  "room.add"(args: { address: string; user: string }): Promise<Room>;
  /** Sets the lowest role that may mention all members. Returns the room as it was. */
  "room.set_mention_all"(args: { address: string; mentionAll: MemberRole }): Promise<Room>;
  /** Returns the room as it was. */
  "room.delete"(args: { address: string }): Promise<Room>;
  "retention.list"(args: NoArguments): Promise<ConversationRule[]>;
  /** The address "" stands for conversations without a rule of their own, and 0 for no limit. */
  "retention.set"(args: { address: string; maxAgeMs: number; maxEntries: number }): Promise<void>;
  "retention.unset"(args: { address: string }): Promise<void>;
  /** Oldest first; `since` is in milliseconds since the Unix epoch, and the user "" stands for all. */
  "audit.list"(args: { afterId: number; since: number; user: string }): Promise<AuditEntry[]>;
  "audit.backup_made"(args: { detail: string }): Promise<void>;
}

export type OperatorCall = keyof OperatorCalls;
export type ArgumentsOf<Call extends OperatorCall> = Parameters<OperatorCalls[Call]>[0];
export type ResultOf<Call extends OperatorCall> = Awaited<ReturnType<OperatorCalls[Call]>>;

/** Answers each call. */
export type OperatorHandlers = {
  readonly [Call in OperatorCall]: (args: ArgumentsOf<Call>) => Promise<ResultOf<Call>>;
};

type NoArguments = Readonly<Record<never, never>>;

interface ArgumentType<T> {
  /** Completes "The argument must be …". */
  readonly description: string;
  readonly matches: (value: unknown) => value is T;
}

const text: ArgumentType<string> = {
  description: "text",
  matches: (value) => typeof value === "string",
};
const flag: ArgumentType<boolean> = {
  description: "true or false",
  matches: (value) => typeof value === "boolean",
};
const time: ArgumentType<number> = {
  description: "a whole number",
  matches: (value): value is number => Number.isSafeInteger(value),
};
const amount: ArgumentType<number> = {
  description: "a whole number, 0 or more",
  matches: (value): value is number => time.matches(value) && value >= 0,
};
const deletionMode: ArgumentType<DeletedAccounts | ""> = {
  description: '"anonymize" or "erase"',
  matches: (value) => value === "" || value === "anonymize" || value === "erase",
};
const memberRole: ArgumentType<MemberRole> = {
  description: '"member", "moderator" or "owner"',
  matches: (value): value is MemberRole => memberRoles.includes(value as MemberRole),
};

const argumentTypes: {
  readonly [Call in OperatorCall]: {
    readonly [Name in keyof ArgumentsOf<Call>]: ArgumentType<ArgumentsOf<Call>[Name]>;
  };
} = {
  "server.version": {},
  "server.database": {},
  "server.standby": {},
  "user.find": { name: text },
  "user.list": { after: text },
  "user.add": { name: text, password: text, allowSimilar: flag },
  "user.set_display_name": { name: text, displayName: text, allowSimilar: flag },
  "user.set_status": { name: text, status: text },
  "user.set_password": { name: text, password: text },
  "user.disable": { name: text },
  "user.enable": { name: text },
  "user.delete": { name: text, mode: deletionMode },
  "user.invite": { lifetimeMs: amount },
  "room.list": { after: text },
  "room.show": { address: text },
  "room.add": { address: text, user: text },
  "room.set_mention_all": { address: text, mentionAll: memberRole },
  "room.delete": { address: text },
  "retention.list": {},
  "retention.set": { address: text, maxAgeMs: amount, maxEntries: amount },
  "retention.unset": { address: text },
  "audit.list": { afterId: amount, since: time, user: text },
  "audit.backup_made": { detail: text },
};

/** The names of all calls. */
export const operatorCallNames = Object.keys(argumentTypes) as OperatorCall[];

/** Returns handlers for the control socket, which refuse arguments of other types with `invalid_argument`. */
export function controlHandlers(handlers: OperatorHandlers): ControlHandlers {
  return Object.fromEntries(
    operatorCallNames.map((call) => [call, checked(handlers, call)]),
  );
}

function checked<Call extends OperatorCall>(handlers: OperatorHandlers, call: Call): ControlHandler {
  const types = Object.entries<ArgumentType<unknown>>(argumentTypes[call]);
  return async (args) => {
    for (const [name, { matches, description }] of types) {
      if (matches(args[name])) continue;
      throw new ChatError("invalid_argument", `Cannot call ${call}: the argument "${name}" must be ${description}.`);
    }
    return await handlers[call](args as ArgumentsOf<Call>);
  };
}
