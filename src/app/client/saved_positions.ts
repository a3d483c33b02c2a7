import type { ResumePoint } from "../../client/delivery_cursor.ts";
import type { SavedClient } from "./client_state.ts";

/** Returns the saved position of a consumer; undefined if there is none. */
export function savedPosition(
  { epoch, positions = {}, incarnations = {} }: SavedClient,
  consumer: string,
): ResumePoint | undefined {
  // Own properties only: a consumer may be named "constructor".
  if (epoch === undefined || !Object.hasOwn(positions, consumer)) return undefined;
  const incarnation = Object.hasOwn(incarnations, consumer) ? incarnations[consumer] : undefined;
  return { epoch, incarnation, after: positions[consumer] };
}

/**
 * Returns the state of a new login with the positions and interrupted replays of an older one, if both belong to the
 * same log. Its own come first. Both logins then get the messages from there on, because each has its own consumers.
 */
export function withPositionsOf(saved: SavedClient, older: SavedClient): SavedClient {
  if (older.epoch === undefined || older.epoch !== (saved.epoch ?? older.epoch)) return saved;
  const consumers = new Set(Object.keys(saved.positions ?? {}));
  // A position and its incarnation belong together.
  const kept = <T>(values: Readonly<Record<string, T>> = {}) =>
    Object.fromEntries(Object.entries(values).filter(([consumer]) => !consumers.has(consumer)));
  return {
    ...saved,
    epoch: older.epoch,
    positions: { ...kept(older.positions), ...saved.positions },
    incarnations: { ...kept(older.incarnations), ...saved.incarnations },
    unfinished: { ...kept(older.unfinished), ...saved.unfinished },
  };
}

/** Returns the state with a consumer's position. Keeps positions of other consumers if they belong to the same log. */
export function withPosition(saved: SavedClient, consumer: string, resume: ResumePoint): SavedClient {
  const { epoch, incarnation, after } = resume;
  const isSameLog = saved.epoch === epoch;
  const { [consumer]: _before, ...incarnations } = isSameLog ? saved.incarnations ?? {} : {};
  return {
    ...saved,
    epoch,
    positions: { ...(isSameLog ? saved.positions : {}), [consumer]: after },
    incarnations: incarnation === undefined ? incarnations : { ...incarnations, [consumer]: incarnation },
  };
}
