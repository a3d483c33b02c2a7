import type { Message } from "../../../core/messages/message.ts";

/** The messages that a command found last, in the order in which they are shown. */
export class FoundMessages {
  #found: readonly Message[] = [];

  /** How many there are. */
  get count(): number {
    return this.#found.length;
  }

  replace(found: readonly Message[]): void {
    this.#found = found;
  }

  /** Returns a message by its number on the screen, from 1. */
  get(number: number): Message | undefined {
    return this.#found[number - 1];
  }

  /** Drops them: the log is another one. */
  forget(): void {
    this.#found = [];
  }
}

/** "r1": the name of the message for commands. */
export function resultName(number: number): string {
  return `r${number}`;
}
