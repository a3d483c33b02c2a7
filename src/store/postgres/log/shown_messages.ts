import type { Message, Pin } from "../../../core/messages/message.ts";
import { kindCodes } from "../../shared/entry_columns.ts";
import type { PageLimits } from "../../shared/page_limits.ts";
import { isPinShown, isTextShown, isVisible } from "../../shared/visibility.ts";
import type { Queries } from "../connection/connection.ts";
import { readEntries } from "./entry_reader.ts";

const newestId = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const user = "$1::bigint";

type PinRow = Omit<Pin, "message"> & { readonly target: number };

interface PositionRow {
  readonly position: number;
}

export const shownStatements = {
  find: `
SELECT e.position FROM conversation c CROSS JOIN LATERAL (
  SELECT e.position FROM entry e WHERE e.conversation = c.id AND e.seq = $3 AND ${isVisible(user, "e")} LIMIT 1) e
WHERE c.name = $2`,
  shown: `
SELECT given.position FROM unnest($2::bigint[]) WITH ORDINALITY given (position, place) CROSS JOIN LATERAL (
  SELECT 1 FROM entry e WHERE e.position = given.position AND e.kind = ${kindCodes.message} AND e.deleted = 0
    AND ${isVisible(user, "e")} AND ${isTextShown(user, "e")} LIMIT 1) e
ORDER BY given.place`,
  sent: `
SELECT e.position FROM entry e WHERE e.sender = ${user} AND e.id < $2 AND e.kind = ${kindCodes.message}
ORDER BY e.id DESC LIMIT $3`,
  pins: `
SELECT e.position AS target, p.position, pinning.pinner AS user, pinning.accepted_at AS "pinnedAt"
FROM pin p CROSS JOIN LATERAL (
    SELECT e.position FROM entry e WHERE e.conversation = p.conversation AND e.seq = p.seq AND ${isVisible(user, "e")}
    LIMIT 1) e
  CROSS JOIN LATERAL (
    SELECT pinning.accepted_at, (SELECT s.name FROM "user" s WHERE s.id = pinning.sender) AS pinner
    FROM entry pinning WHERE pinning.position = p.position AND ${isPinShown(user, "pinning")} LIMIT 1) pinning
WHERE p.conversation = (SELECT c.id FROM conversation c WHERE c.name = $2) AND p.position < $3
ORDER BY p.position DESC LIMIT $4`,
} as const;

/** Reads messages that a user, given by their key, may see; the methods are those of the message store. */
export class ShownMessages {
  async entry(
    queries: Queries,
    user: number,
    { conversation, seq }: { conversation: string; seq: number },
  ): Promise<Message | undefined> {
    const found = await queries.query<PositionRow>(shownStatements.find, [user, conversation, seq]);
    const { messages } = await readEntries(queries, user, { positions: toPositions(found), limit: 1, maxBytes: 0 });
    return messages[0];
  }

  async at(
    queries: Queries,
    user: number,
    { positions, maxBytes }: { positions: readonly number[]; maxBytes: number },
  ): Promise<{ messages: Message[]; through: number }> {
    const shown = toPositions(await queries.query<PositionRow>(shownStatements.shown, [user, positions]));
    const page = { positions: shown, limit: shown.length, maxBytes };
    const { messages, isWhole } = await readEntries(queries, user, page);
    return { messages, through: isWhole ? 0 : messages.at(-1)!.position };
  }

  async sentBy(
    queries: Queries,
    sender: number,
    { beforeId, ...limits }: PageLimits & { beforeId: string },
  ): Promise<{ messages: Message[]; more: boolean }> {
    const before = beforeId === "" ? newestId : beforeId;
    // One more than requested, to know whether there is more.
    const rows = await queries.query<PositionRow>(shownStatements.sent, [sender, before, limits.limit + 1]);
    const { messages, isWhole } = await readEntries(queries, sender, { ...limits, positions: toPositions(rows) });
    return { messages: messages.reverse(), more: !isWhole };
  }

  async pinsIn(
    queries: Queries,
    user: number,
    { conversation, beforePosition, ...limits }: PageLimits & { conversation: string; beforePosition: number },
  ): Promise<{ pins: Pin[]; more: boolean }> {
    const before = beforePosition === 0 ? Number.MAX_SAFE_INTEGER : beforePosition;
    // One more than requested, to know whether there is more.
    const rows = await queries.query<PinRow>(shownStatements.pins, [user, conversation, before, limits.limit + 1]);
    const pins = new Map(rows.map(({ target, ...pin }) => [target, pin]));
    const page = { ...limits, positions: [...pins.keys()], marks: true };
    const { messages, isWhole } = await readEntries(queries, user, page);
    return { pins: messages.map((message) => ({ message, ...pins.get(message.position)! })), more: !isWhole };
  }
}

function toPositions(rows: readonly PositionRow[]): number[] {
  return rows.map(({ position }) => position);
}
