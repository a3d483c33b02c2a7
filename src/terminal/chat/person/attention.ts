import { systemTimers, type Timers } from "../../../client/timers.ts";

/** How long a sign of the person lasts, in milliseconds: in a terminal that has the focus, and where it does not tell. */
const presentMs = { focused: 5 * 60_000, unknown: 30_000 };

export interface AttentionOptions {
  readonly timers?: Timers;
  /** The person returned or went away. */
  onChanged(isPresent: boolean): void;
}

/**
 * Whether the person is at the terminal. Where it reports its focus, they are while it has the focus, for 5 minutes
 * after the last sign of them; elsewhere for 30 seconds after it. A key is such a sign, and so are the start and the
 * focus that comes back.
 */
export class Attention {
  readonly #timers: Timers;
  readonly #onChanged: (isPresent: boolean) => void;
  #isPresent = false;
  /** Undefined until the terminal has reported it. */
  #isFocused: boolean | undefined;
  #cancel = () => {};

  constructor({ timers = systemTimers, onChanged }: AttentionOptions) {
    this.#timers = timers;
    this.#onChanged = onChanged;
  }

  get isPresent(): boolean {
    return this.#isPresent;
  }

  /** The person started the chat, pressed a key or continued the program: they are here, also in a terminal that reported to have lost the focus. */
  noticed(): void {
    if (this.#isFocused === false) this.#isFocused = true;
    this.#cancel();
    const ms = this.#isFocused ? presentMs.focused : presentMs.unknown;
    this.#cancel = this.#timers.after(ms, () => this.#set(false));
    this.#set(true);
  }

  /** The terminal reported its focus. The focus that it had already says nothing new. */
  focusReported(isFocused: boolean): void {
    if (isFocused === this.#isFocused) return;
    this.#isFocused = isFocused;
    if (isFocused) return this.noticed();
    this.#cancel();
    this.#set(false);
  }

  close(): void {
    this.#cancel();
  }

  #set(isPresent: boolean): void {
    if (isPresent === this.#isPresent) return;
    this.#isPresent = isPresent;
    this.#onChanged(isPresent);
  }
}
