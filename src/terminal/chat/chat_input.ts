import type { InputView } from "../input/composer.ts";
import type { InputShape } from "../input/input_layout.ts";
import type { Key, ScreenKey } from "../input/key_decoder.ts";
import { SecretQuestions } from "../input/secret_questions.ts";
import type { PersonActions } from "./chat_face.ts";
import type { Composers } from "./sending/composers.ts";

export interface ChatInputOptions {
  readonly composers: Pick<Composers, "now" | "apply">;
  readonly person: Pick<PersonActions, "submit" | "edited">;
  /** The shape of the input line on the terminal. */
  shape(): InputShape;
  onScreenKey(key: ScreenKey): void;
  onRedraw(): void;
  /** A question opened or closed. */
  onQuestion(): void;
  /** The person leaves. */
  onLeave(): void;
}

/** Applies keys to the input area: to an open question, else to the composer of the current conversation. */
export class ChatInput {
  readonly #options: ChatInputOptions;
  readonly #secrets: SecretQuestions;

  constructor(options: ChatInputOptions) {
    this.#options = options;
    this.#secrets = new SecretQuestions(options.onQuestion);
  }

  get view(): InputView {
    const question = this.#secrets.text;
    if (question !== undefined) return { prompt: question, text: "", cursor: 0, hint: "" };
    return this.#options.composers.now.view;
  }

  /** Asks for one line without showing it; undefined when the person refuses. */
  askSecret(question: string): Promise<string | undefined> {
    return this.#secrets.ask(question);
  }

  /** Refuses open and later questions. */
  close(): void {
    this.#secrets.close();
  }

  apply(key: Key): void {
    if (key.kind === "cursor" || key.kind === "focus") return;
    if (this.#secrets.text !== undefined) {
      if (key.kind !== "screen") this.#secrets.apply(key);
      return;
    }
    const { composers, person, onScreenKey, onRedraw, onLeave } = this.#options;
    const action = composers.apply(key, () => this.#options.shape());
    if (action?.kind === "submit") person.submit(action.text);
    else if (action?.kind === "edited") person.edited(composers.now.text);
    else if (action?.kind === "screen") onScreenKey(action.key);
    else if (action?.kind === "clear-screen") onRedraw();
    else if (action?.kind === "leave") onLeave();
  }
}
