import type { Browsing } from "./recall.ts";

/** The state of a draft that a change can be taken back to. */
export interface DraftState {
  readonly text: string;
  readonly cursor: number;
  /** Undefined for a new draft. */
  readonly browsing: Browsing | undefined;
}

/** Changes to take back at most. */
const maxSteps = 200;

/** The cause of a change: characters that are typed or erased one after another are one step. */
export type ChangeKind = "typing" | "erasing" | "undo" | "other";

/** The states that a draft had before its changes. */
export class Undo {
  readonly #states: DraftState[] = [];
  /** The step that the next change may belong to. */
  #open: { kind: ChangeKind; cursor: number; endsWord: boolean } | undefined;

  /** Keeps the state before a change. A word is one step, with the spaces after it. */
  changed(before: DraftState, after: DraftState, kind: ChangeKind): void {
    const open = this.#open;
    const added = kind === "typing" ? after.text.slice(before.cursor, after.cursor) : "";
    const beginsWord = open?.endsWord && /\S/.test(added);
    const continues = kind !== "other" && open?.kind === kind && open.cursor === before.cursor && !beginsWord;
    if (!continues) this.#states.push(before);
    if (this.#states.length > maxSteps) this.#states.shift();
    this.#open = { kind, cursor: after.cursor, endsWord: /\s$/.test(added) };
  }

  /** Takes the last step back. @returns the state before it; undefined when there is none */
  back(): DraftState | undefined {
    this.#open = undefined;
    return this.#states.pop();
  }

  /** The draft is another one, whose changes begin here. */
  clear(): void {
    this.#states.length = 0;
    this.#open = undefined;
  }
}
