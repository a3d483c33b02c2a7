/** What a person sees and types into; the conversation behind it is the same for every face. */
export interface Face {
  /** Adds lines to the transcript, never disturbing what is being typed. Resolves when they are out. */
  print(lines: readonly string[]): Promise<void>;
  /** What stands before the draft. */
  setPrompt(prompt: string): void;
  /** Lines between the transcript and the draft that are not part of either. */
  setPending(lines: readonly string[]): void;
  /** Puts a text back to be sent again; false when there is a draft that it would replace. */
  restoreDraft(text: string): boolean;
  /** Asks for one line that is not shown; undefined when the person does not want to. */
  askSecret(question: string): Promise<string | undefined>;
  /** What was submitted, empty lines included, until the person leaves. Iterated once. */
  readonly submissions: AsyncIterable<string>;
  /** Gives the terminal back as it was. Idempotent. */
  close(): Promise<void>;
}
