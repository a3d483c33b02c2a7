import type { ResumePoint } from "../../client/delivery_cursor.ts";
import type { SavedClient } from "./client_state.ts";

/** Where a consumer stopped; undefined where nothing is saved of it. */
export function savedPosition(
  { epoch, positions, incarnations }: SavedClient,
  consumer: string,
): ResumePoint | undefined {
  const after = positions?.[consumer];
  if (epoch === undefined || after === undefined) return undefined;
  return { epoch, incarnation: incarnations?.[consumer], after };
}

/** With where a consumer stopped. Positions of other consumers stay, unless they are of another log. */
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
