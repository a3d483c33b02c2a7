import type { Reply } from "../../../src/gen/chatd/v1/session.ts";
import type { RequestKind } from "../servers/received_frames.ts";
import type { TestSession } from "../servers/test_session.ts";

/** A connection of a session, and the requests that it sent. */
export interface LaneConnection {
  /** Of the session. */
  readonly index: number;
  readonly user: string;
  readonly session: TestSession;
  readonly cursor: number;
  readonly sent: { id: number; kind: RequestKind }[];
  /** Whether the connection may have ended before all replies. */
  isLost: boolean;
  /** Whether the client sends nothing more. */
  isOver: boolean;
}

/** Returns the replies in the order of their requests: a refusal may overtake the replies to sends before it. */
export function repliesByRequest({ session }: LaneConnection): Reply[] {
  return session.replies.toSorted((one, other) => one.requestId - other.requestId);
}

/** Returns the sends of a connection that were accepted as new messages, in the order of their requests. */
export function acceptedSends(connection: LaneConnection) {
  const kinds = new Map(connection.sent.map(({ id, kind }) => [id, kind]));
  return repliesByRequest(connection).flatMap(({ requestId, result }) => {
    const kind = kinds.get(requestId);
    if (kind?.$case !== "send" || result?.$case !== "send" || result.value.duplicate) return [];
    return [{ ...result.value, text: kind.value.text, id: kind.value.id.toLowerCase() }];
  });
}

/** Returns the ids of the messages that a connection sent and whose replies did not come: they may be in the log. */
export function unansweredSends({ sent, session }: LaneConnection): Set<string> {
  const answered = new Set(session.replies.map(({ requestId }) => requestId));
  return new Set(
    sent.flatMap(({ id, kind }) => kind.$case === "send" && !answered.has(id) ? [kind.value.id.toLowerCase()] : []),
  );
}
