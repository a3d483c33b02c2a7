import type { Message } from "../../../src/gen/chatd/v1/chat.ts";
import type { Item, Reply, Request, ServerFrame } from "../../../src/gen/chatd/v1/session.ts";

export type RequestKind = NonNullable<Request["kind"]>;
export type ReplyResult = NonNullable<Reply["result"]>;
export type RequestValues = { [K in RequestKind as K["$case"]]: K["value"] };
export type ReplyValues = { [R in ReplyResult as R["$case"]]: R["value"] };
/** The kinds of requests that are answered. */
export type Question = keyof RequestValues & keyof ReplyValues;

/** What came from a server during a session. */
export class ReceivedFrames {
  readonly frames: ServerFrame[] = [];

  get items(): NonNullable<Item["kind"]>[] {
    return this.frames.flatMap(({ items }) => items.map(({ kind }) => kind!));
  }

  get messages(): Message[] {
    return this.items.flatMap((item) => item.$case === "message" ? [item.value] : []);
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text);
  }

  get presence(): [user: string, online: boolean][] {
    return this.items.flatMap((item) => item.$case === "presence" ? [[item.value.user, item.value.online]] : []);
  }

  get replies(): Reply[] {
    return this.items.flatMap((item) => item.$case === "reply" ? [item.value] : []);
  }

  /** The newest position that the client has everything up to. */
  get through(): number {
    return Math.max(0, ...this.frames.map(({ through }) => through));
  }

  /** Of the newest frame that moved the client no further than to this position; 0 when there is none. */
  receiptFor(through = Infinity): number {
    return this.frames.findLast((frame) => frame.receipt > 0 && frame.through <= through)?.receipt ?? 0;
  }

  /** What the server said at the end of the session. */
  get endReason(): { code: string; message: string; retryAfterMs: number } | undefined {
    const last = this.items.at(-1);
    return last?.$case === "sessionEnded" ? last.value.error : undefined;
  }
}
