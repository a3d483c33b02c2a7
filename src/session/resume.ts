import { isMessageId } from "../core/messages/message_id.ts";
import type { ConsumerStart, MessageStore } from "../core/messages/message_store.ts";
import type { Hello } from "../gen/chatd/v1/session.ts";

/** The place where a session resumes, judged by the positions in its hello. */
export interface Resume {
  /** The epoch of this log for the client. */
  readonly epoch: string;
  /** The client's positions are of this log up to here. */
  readonly sharedThrough: number;
  /** The client has everything of this log up to here. */
  readonly after: number;
  /** The start of a consumer that the server does not know yet; undefined for the head. */
  readonly start: ConsumerStart | undefined;
}

type Timeline = Pick<MessageStore, "epoch" | "incarnation" | "head" | "sharedThrough">;
type Claim = Pick<Hello, "epoch" | "incarnation" | "resumeAfter">;

/** The `resumeAfter` of a client that starts at the head. */
const atHead = Number.MAX_SAFE_INTEGER;

/**
 * Judges the position in a hello. A client that does not know incarnations gets another epoch when its position is not
 * of this log: the id of the newest incarnation. In a later hello that id stands for the incarnation, and for this log
 * once the client knows incarnations.
 */
export async function judgeResume(claim: Claim, log: Timeline): Promise<Resume> {
  const { epoch, resumeAfter } = claim;
  const { head } = log;
  if (epoch === "") return { epoch: log.epoch, sharedThrough: head, after: 0, start: undefined };
  const [incarnation, alias] = [claim.incarnation ?? "", epoch].map((id) => isMessageId(id) ? id : "");
  const byAlias = alias === "" ? undefined : await log.sharedThrough(alias);
  const isThisLog = epoch === log.epoch || byAlias !== undefined;
  let shared = byAlias;
  if (isThisLog && incarnation !== "") shared = await log.sharedThrough(incarnation);
  else if (epoch === log.epoch) shared = withoutIncarnation(resumeAfter, head);
  if (resumeAfter === atHead && isThisLog) {
    return { epoch, sharedThrough: shared ?? 0, after: head, start: undefined };
  }
  const told = epochFor(claim, shared !== undefined && resumeAfter <= shared, log);
  if (shared === undefined) {
    return { epoch: told, sharedThrough: 0, after: 0, start: { at: resumeAfter, partedFrom: incarnation || alias } };
  }
  const after = Math.min(resumeAfter, shared);
  return { epoch: told, sharedThrough: shared, after, start: { at: after } };
}

function withoutIncarnation(position: number, head: number): number | undefined {
  return position <= head || position === atHead ? head : undefined;
}

function epochFor({ epoch, incarnation }: Claim, holds: boolean, log: Timeline): string {
  if (holds) return epoch;
  return incarnation === undefined && epoch === log.epoch && log.incarnation !== "" ? log.incarnation : log.epoch;
}
