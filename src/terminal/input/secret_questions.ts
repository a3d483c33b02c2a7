import { type EditorKey, LineEditor } from "./line_editor.ts";

interface OpenQuestion {
  readonly text: string;
  readonly editor: LineEditor;
  answer(text: string | undefined): void;
}

/** Longest answer, in UTF-16 units: longer than any password may be. */
const maxLength = 1024;

/** Questions whose answers are typed into an input line without being shown, one at a time. */
export class SecretQuestions {
  readonly #onChange: () => void;
  #open: OpenQuestion | undefined;
  #isClosed = false;

  /** @param onChange called when a question opens or closes */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** The text of the open question; undefined when there is none. */
  get text(): string | undefined {
    return this.#open?.text;
  }

  /** Asks a question; undefined when the person refuses, or when another question or the end comes first. */
  ask(text: string): Promise<string | undefined> {
    if (this.#isClosed) return Promise.resolve(undefined);
    this.#open?.answer(undefined);
    return new Promise((resolve) => {
      this.#open = {
        text,
        editor: new LineEditor({ history: false, maxLength }),
        answer: (answer) => {
          this.#open = undefined;
          this.#onChange();
          resolve(answer);
        },
      };
      this.#onChange();
    });
  }

  /** Applies a key to the answer of the open question. */
  apply(key: EditorKey): void {
    const action = this.#open?.editor.apply(key);
    if (action?.kind === "submit") this.#open?.answer(action.text || undefined);
    else if (action?.kind === "interrupt" || action?.kind === "end-of-input") this.#open?.answer(undefined);
  }

  /** Refuses the open question and all later ones. */
  close(): void {
    this.#isClosed = true;
    this.#open?.answer(undefined);
  }
}
