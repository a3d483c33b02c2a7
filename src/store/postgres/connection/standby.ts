import { ChatError, type ChatErrorCode } from "../../../core/chat_error.ts";
import type { Log } from "../../../core/log.ts";
import { pause } from "../../../core/pause.ts";

/** From one attempt to the next, in milliseconds. */
const attemptMs = 1_000;

const temporary: readonly ChatErrorCode[] = ["unavailable", "busy"];
/** With refusals of a log-in: until a failover is complete, the new primary may not know the user or the database. */
const temporaryLater: readonly ChatErrorCode[] = [...temporary, "unauthenticated", "permission_denied", "not_found"];

/** The reason why a node does not serve yet. */
export type StandbyReason =
  /** The name of the node that serves. */
  | { readonly servedBy: string }
  /** Why the database cannot be used now, for people. */
  | { readonly obstacle: string };

export interface StandbyOptions {
  readonly log: Log;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** Called with each new reason; none unless given. */
  onStandby?(reason: StandbyReason): void;
}

/**
 * Attempts each second to begin, until it succeeds or the signal ends the wait. Each new reason is logged once. A
 * database that cannot be reached is one, too.
 * @param begin returns its result, or the name of the node that serves
 * @returns undefined if the signal ended the wait
 * @throws {ChatError} any error of `begin` but `unavailable` and `busy`, and, after the first attempt, `unauthenticated`,
 * `permission_denied` and `not_found`
 */
export async function standByUntil<T extends object>(
  begin: () => Promise<T | string>,
  { log, signal, onStandby }: StandbyOptions,
): Promise<T | undefined> {
  let said: string | undefined;
  const tell = (word: string, reason: StandbyReason) => {
    if (word === said) return;
    said = word;
    if ("servedBy" in reason) log.info("standing by: another node serves", { node: reason.servedBy });
    else log.warn("standing by: the database cannot be used now", { reason: reason.obstacle });
    onStandby?.(reason);
  };
  let tolerated = temporary;
  do {
    try {
      const begun = await begin();
      if (typeof begun !== "string") return begun;
      tell(begun, { servedBy: begun });
    } catch (error) {
      if (!(error instanceof ChatError && tolerated.includes(error.code))) throw error;
      tell(error.message, { obstacle: error.message });
    }
    tolerated = temporaryLater;
  } while (await pause(attemptMs, signal));
  return undefined;
}
