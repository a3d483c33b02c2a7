import type { ChatClient } from "../../../client/chat_client.ts";
import { ChatError } from "../../../core/chat_error.ts";
import { isRoomEvent } from "../../../core/messages/log_event.ts";
import type { Message } from "../../../core/messages/message.ts";
import { isRoomId } from "../../../core/rooms/room.ts";
import type { HistoryResponse } from "../../../gen/chatd/v1/chat.ts";
import { fromWireMessage } from "../../../wire/convert.ts";
import { clock, date } from "../../text/local_clock.ts";
import type { LogTarget } from "./log_target.ts";

/** A part of a log, as the server has it. */
export interface LogPart {
  readonly messages: readonly Message[];
  /** The message of the target. */
  readonly seq: number;
  /** The newest entry when the part was read. */
  readonly headSeq: number;
  /** Whether there are entries before the part. */
  readonly more: boolean;
  /** Whether there are entries after the part. */
  readonly moreAfter: boolean;
}

export interface LogPartOptions {
  readonly client: ChatClient;
  readonly address: string;
  /** The conversation for people: "with ben", "in #ops". */
  readonly phrase: string;
  /** Entries to load at most. */
  readonly limit: number;
  /** Entries before the message of the target. */
  readonly before: number;
}

/** Whether an entry has a row of its own; other changes are shown in the message that they change alone. */
export function isShown({ event }: Message): boolean {
  return event === undefined || isRoomEvent(event) || event.kind === "pinned";
}

/** Loads the part of a log around a target. @throws {ChatError} `not_found` when there is no such message */
export async function loadPart(target: LogTarget, options: LogPartOptions): Promise<LogPart> {
  const { client, address: other, limit } = options;
  const load = (range: { fromMs: number } | { afterSeq: number }) =>
    client.history({ with: other, limit, events: true, ...range });
  if ("fromMs" in target) {
    const page = await load({ fromMs: Math.max(1, target.fromMs) });
    const messages = decode(page);
    const first = messages.find(isShown) ?? messages.at(0);
    if (first === undefined) throw noneSince(target.fromMs, options);
    return { ...page, messages, seq: first.seq };
  }
  const seq = "seq" in target ? target.seq : target.bottom.seq;
  let page = await load(after(seq - 1 - options.before));
  // Long messages before the target may fill a page.
  if (page.moreAfter && page.lastSeq < seq) page = await load(after(seq - 1));
  const messages = decode(page);
  const found = "seq" in target
    ? messages.find((message) => message.seq === seq && isShown(message))
    : messages.find((message) => message.seq >= seq) ?? messages.at(-1);
  if (found === undefined) throw noMessage(seq, { page, options });
  return { ...page, messages, seq: found.seq };
}

/** The range of entries after a seq, from the first one on below 1. */
function after(seq: number): { fromMs: number } | { afterSeq: number } {
  return seq <= 0 ? { fromMs: 1 } : { afterSeq: seq };
}

function decode({ messages }: HistoryResponse): Message[] {
  return messages.flatMap((message) => fromWireMessage(message) ?? []);
}

function noneSince(time: number, { phrase }: LogPartOptions): ChatError {
  const minutes = clock(time) === "00:00" ? "" : ` ${clock(time)}`;
  return new ChatError("not_found", `There is no message ${phrase} since ${date(time)}${minutes}.`);
}

function noMessage(
  seq: number,
  { page: { headSeq, startSeq }, options: { address, phrase } }: { page: HistoryResponse; options: LogPartOptions },
): ChatError {
  const why = headSeq === 0
    ? "There are no messages yet"
    : seq > headSeq
    ? `The newest number is ${headSeq}`
    : seq >= startSeq
    ? undefined
    : `${isRoomId(address) ? "The first that you can see" : "The first that is kept"} is ${startSeq}`;
  return new ChatError("not_found", `There is no message ${seq} ${phrase}.${why === undefined ? "" : ` ${why}.`}`);
}
