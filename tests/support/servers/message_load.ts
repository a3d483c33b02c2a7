import assert from "node:assert/strict";
import type { Message } from "../../../src/core/messages/message.ts";
import { startDeadlineMs } from "../waiting/deadlines.ts";
import { eventually } from "../waiting/eventually.ts";
import { essence, type Person, until } from "./person.ts";

/** The limits of a server that takes such a load. */
export const unlimited: readonly string[] = ["--rate", "100000", "--burst", "100000"];

export interface MessageLoadOptions {
  /** The name of the user who receives the messages. */
  readonly to: string;
  /** How many messages wait for their answers at a time; 16 unless given. */
  readonly inFlight?: number;
}

/** Messages from one user to another one, as fast as they are accepted, until {@link stop}. */
export class MessageLoad {
  readonly #from: Person;
  readonly #inFlight: number;
  readonly #sending: Promise<unknown>;
  #stopped = false;

  constructor(from: Person, { to, inFlight = 16 }: MessageLoadOptions) {
    this.#from = from;
    this.#inFlight = inFlight;
    let sent = 0;
    const send = async () => {
      while (!this.#stopped) await from.client.send(to, `line ${sent++}`);
    };
    this.#sending = Promise.all(Array.from({ length: inFlight }, send));
    // Told by the methods below.
    this.#sending.catch(() => {});
  }

  /** Resolves when so many more messages are accepted. @throws the error of a message that was refused */
  async accepts(count: number): Promise<void> {
    const before = this.#from.accepted.length;
    const more = () => this.#from.accepted.length - before;
    // As long as a process may take to start: a server may be on its way back.
    const accepted = eventually(
      () => more() >= count,
      () => `${more()} of ${count} messages accepted`,
      startDeadlineMs,
    );
    await Promise.race([accepted, this.#sending]);
  }

  /** Resolves when a message is accepted that was sent after this call. @throws as {@link accepts} */
  async goesOn(): Promise<void> {
    await this.accepts(this.#inFlight + 1);
  }

  /** Resolves when all messages sent so far are accepted. @throws the error of a message that was refused */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#sending;
  }
}

/** Resolves when the receiver has each message that the senders' answers say is accepted, once and in order. */
export async function receivesAll(receiver: Person, ...senders: readonly Person[]): Promise<void> {
  const accepted = () => senders.flatMap((sender) => sender.accepted);
  await until(() => receiver.received.length >= accepted().length);
  const byPosition = (one: Message, other: Message) => one.position - other.position;
  assert.deepEqual(receiver.received.map(essence), accepted().toSorted(byPosition).map(essence));
}
