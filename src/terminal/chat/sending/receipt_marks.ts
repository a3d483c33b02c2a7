import type { Message } from "../../../core/messages/message.ts";
import type { Notice } from "../../../core/people/notice.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import type { Conversation } from "../../../gen/chatd/v1/chat.ts";

interface Peer {
  readonly readSeq: number;
  readonly deliveredSeq: number;
}

type Counts = Extract<Notice, { kind: "room_receipts" }>["counts"];

/** Conversations whose receipts are kept at most. */
const maxKnown = 1_000;

/** Receipts for the person's messages: delivered and read between two users, counts of readers in rooms. */
export class ReceiptMarks {
  readonly #me: string;
  readonly #peers = new Map<string, Peer>();
  readonly #rooms = new Map<string, Counts>();

  constructor({ me }: { me: string }) {
    this.#me = me;
  }

  learn({ conversation, room, peerReadSeq, peerDeliveredSeq }: Conversation): void {
    if (room === undefined) this.#peer(conversation, { readSeq: peerReadSeq, deliveredSeq: peerDeliveredSeq });
  }

  heard(notice: Extract<Notice, { kind: "receipt" | "room_receipts" }>): void {
    if (notice.kind === "room_receipts") keep(this.#rooms, notice.conversation, notice.counts);
    else if (notice.user !== this.#me && !isRoomId(notice.conversation)) this.#peer(notice.conversation, notice);
  }

  /** The mark of a message: "✓" delivered, "✓✓" read, "read by 3"; "" where unknown, and for messages of others. */
  of({ conversation, seq, sender, event, deleted }: Message): string {
    if (sender !== this.#me || event !== undefined || deleted) return "";
    if (isRoomId(conversation)) {
      const readers = readersOf(this.#rooms.get(conversation) ?? [], seq);
      return readers > 0 ? `read by ${readers}` : "";
    }
    const { readSeq, deliveredSeq } = this.#peers.get(conversation) ?? { readSeq: 0, deliveredSeq: 0 };
    return seq <= readSeq ? "✓✓" : seq <= deliveredSeq ? "✓" : "";
  }

  /** Drops everything: the log is another one. */
  forget(): void {
    this.#peers.clear();
    this.#rooms.clear();
  }

  #peer(conversation: string, { readSeq, deliveredSeq }: Peer): void {
    const known = this.#peers.get(conversation);
    keep(this.#peers, conversation, {
      readSeq: Math.max(readSeq, known?.readSeq ?? 0),
      deliveredSeq: Math.max(deliveredSeq, known?.deliveredSeq ?? 0),
    });
  }
}

/** Counts the readers of `seq`, without its author, whose own position is in the counts. */
function readersOf(counts: Counts, seq: number): number {
  return Math.max(0, (counts.findLast((count) => count.seq >= seq)?.readers ?? 0) - 1);
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > maxKnown) map.delete(map.keys().next().value!);
}
