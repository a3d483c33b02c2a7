import type { Identity } from "../core/accounts/accounts.ts";
import type { HelloResponse } from "../gen/chatd/v1/session.ts";
import { protocolVersions } from "../wire/limits.ts";
import type { Resume } from "./resume.ts";
import type { SessionDependencies } from "./session_dependencies.ts";

export interface NewSession {
  readonly identity: Identity;
  /** Delivery starts after this position. */
  readonly cursor: number;
  /** The newest position in the store. */
  readonly head: number;
  readonly resume: Resume;
  readonly windowBytes: number;
}

/** Returns the reply to the hello of a session. */
export function helloResponse(
  { chat, server }: Pick<SessionDependencies, "chat" | "server">,
  { identity: { user, deviceId }, cursor, head, resume, windowBytes }: NewSession,
): HelloResponse {
  return {
    user,
    deviceId,
    epoch: resume.epoch,
    cursor,
    head,
    protocolMin: protocolVersions.min,
    protocolMax: protocolVersions.max,
    server,
    windowBytes,
    stateRevision: chat.revisions.current(user),
    incarnation: chat.timeline.incarnation,
    sharedThrough: resume.sharedThrough,
  };
}
