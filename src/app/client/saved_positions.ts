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
