import { Request } from "../../../gen/chatd/v1/session.ts";
import type { AckClock } from "../../driver/ack_clock.ts";
import { placeOf } from "../../driver/frame_scan.ts";
import type { RawSession } from "../../driver/raw_session.ts";
import { SendTemplate } from "../../driver/send_template.ts";
import { readStamp, stampNow } from "../../driver/stamps.ts";
import type { Account } from "../../systems/accounts.ts";
import type { UserSessions } from "../../systems/system.ts";

const latin1 = new TextDecoder("latin1");

export interface PersonOptions {
  readonly account: Account;
  readonly sessions: UserSessions;
  readonly ackClock: AckClock;
  /** @param isLive whether the person was online when it was sent */
  onDelivered(stamp: number, isLive: boolean): void;
  onAccepted(count: number): void;
}

/** A user of W6, who comes and goes, and reads and writes while online. */
export class Person {
  readonly name: string;
  readonly #options: PersonOptions;
  #session: RawSession | undefined;
  #openedAt = 0;
  #resume = { resumeAfter: 0, epoch: "", incarnation: "" };
  /** Sends that the server has not accepted. */
  #unaccepted = 0;
  /** Other requests that the server has not answered. */
  #unanswered = 0;
  /** The newest message that the person has not read. */
  #unread: { with: string; seq: number } | undefined;

  constructor(options: PersonOptions) {
    this.name = options.account.name;
    this.#options = options;
  }

  get isOnline(): boolean {
    return this.#session !== undefined;
  }

  /** Reports whether the server owes the person an answer. */
  get isWaiting(): boolean {
    return this.#unaccepted + this.#unanswered > 0;
  }

  /** Comes online, and gets the messages of the absence. */
  async comeOnline(): Promise<void> {
    this.#openedAt = stampNow();
    const { account, sessions, ackClock } = this.#options;
    const { session, hello } = await sessions.open(account, {
      ackClock,
      hello: this.#resume,
      onMessage: (bytes, from, to) => this.#take(bytes, from, to),
      onAccepted: (count) => {
        this.#unaccepted -= count;
        this.#options.onAccepted(count);
      },
      onAnswered: (count) => this.#unanswered -= count,
    });
    const { epoch, incarnation, cursor } = hello;
    this.#resume = { epoch, incarnation, resumeAfter: Math.max(cursor, this.#resume.resumeAfter) };
    this.#session = session;
  }

  async goOffline(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#unanswered = 0;
    await session?.close();
  }

  /** Reports that the person writes to an address. */
  type(to: string): void {
    this.#request({ $case: "typing", value: { to, stopped: false } });
  }

  send(to: string): void {
    this.#unaccepted++;
    this.#session!.send(new SendTemplate(to), 1);
  }

  /** Reads the conversation with the newest message. @returns whether there is one */
  read(): boolean {
    if (this.#unread === undefined) return false;
    this.#request({ $case: "read", value: this.#unread });
    this.#unread = undefined;
    return true;
  }

  #request(kind: NonNullable<Request["kind"]>): void {
    this.#unanswered++;
    this.#session!.request(Request.encode({ id: 0, kind }).finish());
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    const place = placeOf(bytes, from, to);
    if (place.isEvent || place.position <= this.#resume.resumeAfter) return;
    this.#resume.resumeAfter = place.position;
    const text = (from: number, to: number) => latin1.decode(bytes.subarray(from, to));
    // After an absence, the log includes the own messages.
    if (text(place.senderFrom, place.senderTo) === this.name) return;
    const conversation = text(place.conversationFrom, place.conversationTo);
    const peer = conversation.split(":").find((name) => name !== this.name)!;
    this.#unread = { with: peer, seq: place.seq };
    const stamp = readStamp(bytes, place.textFrom);
    this.#options.onDelivered(stamp, stamp > this.#openedAt);
  }
}
