import type { Person } from "./person.ts";
import { pick, type Place, type Town } from "./town.ts";

/** Rates of one person, in life. */
const messagesPerMinute = 2;
const secondsBetweenReads = 30;
const secondsOnline = 60 * 60;
/** From the report that a person is typing to the message. */
const secondsOfTyping = 3;
const tickMs = 10;

export interface LifeCounts {
  readonly sent: number;
  readonly accepted: number;
  /** Deliveries that the messages have to end in. */
  readonly deliveries: number;
  readonly typingReports: number;
  readonly reads: number;
  readonly logins: number;
}

interface Writing {
  readonly person: Person;
  readonly place: Place;
  readonly dueAt: number;
}

/** Lets people write, read, leave and come back, each at their rates. */
export class Life implements Disposable {
  readonly #town: Town;
  readonly #timesFaster: number;
  #people: readonly Person[] = [];
  #names: readonly string[] = [];
  /** Absent people, the longest absence first. */
  readonly #absent: Person[] = [];
  /** In order of their time. */
  readonly #writing: Writing[] = [];
  #reader = 0;
  #counts = { sent: 0, accepted: 0, deliveries: 0, typingReports: 0, reads: 0, logins: 0 };
  #ended = false;
  readonly #changes = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor({ town, timesFaster }: { town: Town; timesFaster: number }) {
    this.#town = town;
    this.#timesFaster = timesFaster;
  }

  get counts(): LifeCounts {
    return { ...this.#counts };
  }

  readonly onAccepted = (count: number): void => {
    this.#counts.accepted += count;
  };

  /** Reports whether the server has answered all people. */
  get isAnswered(): boolean {
    return this.#counts.sent === this.#counts.accepted && this.#people.every(({ isWaiting }) => !isWaiting);
  }

  /** Begins with people who are all online, of whom some leave at once. */
  begin(people: readonly Person[], { absent }: { absent: number }): void {
    this.#people = people;
    this.#names = people.map(({ name }) => name);
    for (let left = absent; left > 0; left--) this.#leave();
  }

  /** Runs until {@link stop}. @throws {ChatError} when a person cannot come back */
  async run(): Promise<void> {
    const online = this.#people.length - this.#absent.length;
    const perTick = (seconds: number) => online / seconds * this.#timesFaster * tickMs / 1000;
    const pace = {
      writing: new Pace(perTick(60 / messagesPerMinute)),
      reading: new Pace(perTick(secondsBetweenReads)),
      change: new Pace(perTick(secondsOnline)),
    };
    const startedAt = performance.now();
    for (let tick = 1; !this.#ended; tick++) {
      for (let due = pace.writing.due(); due > 0; due--) this.#beginWriting();
      for (let due = pace.reading.due(); due > 0; due--) this.#read();
      for (let due = pace.change.due(); due > 0; due--) this.#changeOne();
      this.#sendWritten();
      const left = startedAt + tick * tickMs - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(left, 0)));
      if (this.#failure !== undefined) throw this.#failure.error;
    }
  }

  /** Ends: all writing is sent, and people who were on their way are there. */
  async stop(): Promise<void> {
    this.#ended = true;
    for (const { person, place } of this.#writing.splice(0)) this.#send(person, place);
    await Promise.all(this.#changes);
  }

  /** Brings all absent people back. */
  async bringBackAll(): Promise<void> {
    await Promise.all(this.#absent.splice(0).map((person) => person.comeOnline()));
  }

  /** Ends at once, for a run that failed. */
  [Symbol.dispose](): void {
    this.#ended = true;
  }

  /** @param tries a person who is absent or writes already is not asked again */
  #beginWriting(tries = 100): void {
    const index = Math.floor(Math.random() * this.#people.length);
    const person = this.#people[index];
    if (!person.isOnline || this.#isWriting(person)) return tries > 0 ? this.#beginWriting(tries - 1) : undefined;
    const place = this.#town.place(index, this.#names);
    person.type(place.to);
    this.#counts.typingReports++;
    const dueAt = performance.now() + secondsOfTyping * 1000 / this.#timesFaster;
    this.#writing.push({ person, place, dueAt });
  }

  #sendWritten(): void {
    while (this.#writing.length > 0 && this.#writing[0].dueAt <= performance.now()) {
      const { person, place } = this.#writing.shift()!;
      this.#send(person, place);
    }
  }

  #send(person: Person, { to, others }: Place): void {
    this.#counts.sent++;
    this.#counts.deliveries += others;
    person.send(to);
  }

  #read(): void {
    this.#reader = (this.#reader + 1) % this.#people.length;
    const person = this.#people[this.#reader];
    if (person.isOnline && person.read()) this.#counts.reads++;
  }

  /** One person leaves, and the one who was absent the longest comes back. */
  #changeOne(): void {
    const back = this.#absent.shift();
    this.#leave();
    if (back === undefined) return;
    this.#counts.logins++;
    this.#follow(back.comeOnline());
  }

  #leave(): void {
    const candidates = this.#people.filter((person) =>
      person.isOnline && !person.isWaiting && !this.#isWriting(person)
    );
    if (candidates.length === 0) return;
    const person = pick(candidates);
    this.#absent.push(person);
    this.#follow(person.goOffline());
  }

  #isWriting(person: Person): boolean {
    return this.#writing.some((writing) => writing.person === person);
  }

  #follow(change: Promise<void>): void {
    const followed = change.catch((error) => void (this.#failure ??= { error })).finally(() =>
      this.#changes.delete(followed)
    );
    this.#changes.add(followed);
  }
}

/** Spreads events evenly over ticks. */
class Pace {
  readonly #perTick: number;
  #sum = 0;

  constructor(perTick: number) {
    this.#perTick = perTick;
  }

  /** Returns the number of events in the next tick. */
  due(): number {
    this.#sum += this.#perTick;
    const due = Math.floor(this.#sum);
    this.#sum -= due;
    return due;
  }
}
