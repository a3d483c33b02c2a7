/** A terminal that shows lines and reads lines, whose input the person can edit. */
export interface LineConsole {
  /** Takes the terminal and reads lines until the person leaves, the input ends or `signal` aborts. Called once. */
  read(signal: AbortSignal): Promise<void>;
  /** Gives the terminal back as it was. Idempotent. */
  close(): Promise<void>;
  /** Adds lines to the transcript without disturbing the draft. Resolves when the terminal has them. */
  print(lines: readonly string[]): Promise<void>;
  /** Shows a text before the draft. */
  setPrompt(prompt: string): void;
  /** Shows lines between the transcript and the draft that are part of neither. */
  setPending(lines: readonly string[]): void;
  /** Shows the draft anew, which changed without a key. */
  draftChanged(): void;
  /** Clears the terminal. */
  clear(): void;
  /** Asks for one line without showing it; undefined when the person refuses. */
  askSecret(question: string): Promise<string | undefined>;
  /** Writes a sequence that shows nothing, such as the bell. */
  emit(sequence: string): void;
}
