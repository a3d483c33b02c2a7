import type { PeopleRequests } from "../../../client/people_requests.ts";
import { systemTimers, type Timers } from "../../../client/timers.ts";
import { ChatError } from "../../../core/chat_error.ts";

/** How long the person is absent until others see them as away, in milliseconds. */
const absentMs = 5 * 60_000;

export interface AwayOptions {
  readonly people: Pick<PeopleRequests, "setAway">;
  readonly timers?: Timers;
  /** {@link Away.isAway} changed. */
  onChanged(): void;
}

/** Tells others that the person is away: because they said so, until they are back, or because they are absent. */
export class Away {
  readonly #people: AwayOptions["people"];
  readonly #timers: Timers;
  readonly #onChanged: () => void;
  #isDeclared = false;
  #isAbsent = false;
  #cancel = () => {};

  constructor({ people, timers = systemTimers, onChanged }: AwayOptions) {
    this.#people = people;
    this.#timers = timers;
    this.#onChanged = onChanged;
  }

  /** Whether others see this session's person as away. */
  get isAway(): boolean {
    return this.#isDeclared || this.#isAbsent;
  }

  /** The person says that they are away or back. @throws {ChatError} */
  async declare(isAway: boolean): Promise<void> {
    this.#isDeclared = isAway;
    this.#isAbsent = false;
    this.#onChanged();
    await this.#people.setAway(isAway);
  }

  /** The person returned to the terminal or went away from it. */
  presenceChanged(isPresent: boolean): void {
    this.#cancel();
    if (isPresent) this.#setAbsent(false);
    else this.#cancel = this.#timers.after(absentMs, () => this.#setAbsent(true));
  }

  close(): void {
    this.#cancel();
  }

  #setAbsent(isAbsent: boolean): void {
    if (isAbsent === this.#isAbsent) return;
    const before = this.isAway;
    this.#isAbsent = isAbsent;
    if (this.isAway === before) return;
    this.#onChanged();
    this.#people.setAway(this.isAway).catch((error) => {
      // Without a connection: the next session begins with it.
      if (!(error instanceof ChatError)) throw error;
    });
  }
}
