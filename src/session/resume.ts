import type { MessageStore } from "../core/message_store.ts";
import type { Hello } from "../gen/chatd/v1/session.ts";

/** Where a session goes on, by what its hello says of positions. */
export interface Resume {
  /** What the client is to know this log as. */
  readonly epoch: string;
  /** Up to here, this log is the one that the client's positions are of. */
  readonly sharedThrough: number;
  /** The client has everything up to here, of this log. */
  readonly after: number;
  /** Where its consumer starts if the server does not know it; undefined for the head. */
  readonly startAt: number | undefined;
}

type Timeline = Pick<MessageStore, "epoch" | "incarnation" | "head" | "sharedThrough" | "partedAt">;
type Claim = Pick<Hello, "epoch" | "incarnation" | "resumeAfter">;

/** Says `resumeAfter` for "the head". */
const atHead = Number.MAX_SAFE_INTEGER;

/**
 * Judges the position that a client says it has. A client that does not know incarnations is told another epoch when its position does not hold: the
 * newest incarnation's id, which stands for that incarnation when the client says it again.
 */
export async function judgeResume(claim: Claim, log: Timeline): Promise<Resume> {
  const { epoch, incarnation, resumeAfter } = claim;
  const { head } = log;
  if (epoch === "") return { epoch: log.epoch, sharedThrough: head, after: 0, startAt: undefined };
  const named = epoch === log.epoch ? incarnation ?? "" : epoch;
  const shared = named === "" ? withoutIncarnation(resumeAfter, head) : await log.sharedThrough(named);
  if (resumeAfter === atHead && (shared !== undefined || epoch === log.epoch)) {
    return { epoch, sharedThrough: shared ?? 0, after: head, startAt: undefined };
  }
  const after = shared === undefined ? 0 : Math.min(resumeAfter, shared);
  const startAt = shared === undefined ? Math.min(resumeAfter, await log.partedAt(incarnation || named)) : after;
  const holds = shared !== undefined && resumeAfter <= shared;
  return { epoch: epochFor(claim, holds, log), sharedThrough: shared ?? 0, after, startAt };
}

function withoutIncarnation(position: number, head: number): number | undefined {
  return position <= head || position === atHead ? head : undefined;
}

function epochFor({ epoch, incarnation }: Claim, holds: boolean, log: Timeline): string {
  if (incarnation !== undefined) return log.epoch;
  if (holds) return epoch;
  return epoch === log.epoch && log.incarnation !== "" ? log.incarnation : log.epoch;
}
