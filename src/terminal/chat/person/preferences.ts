import { systemTimers, type Timers } from "../../../client/timers.ts";
import { ChatError } from "../../../core/chat_error.ts";
import type { Level } from "../conversations/conversation_list.ts";

/** How to notify the desktop: OSC 9 (iTerm2, kitty, WezTerm, Windows Terminal) or OSC 777 (urxvt, foot, VTE). */
export type Notify = "off" | "osc9" | "osc777";

/** Preferences and drafts of a terminal, kept between runs. */
export interface SavedPreferences {
  readonly notify?: Notify;
  /** Whether the wheel of the mouse scrolls; true by default. */
  readonly mouse?: boolean;
  /** Whether marks such as `**` become styles; true by default. */
  readonly markdown?: boolean;
  /** By conversation; "all" by default. */
  readonly levels?: Readonly<Record<string, Level>>;
  /** By conversation. */
  readonly drafts?: Readonly<Record<string, string>>;
}

/** Keeps {@link SavedPreferences}. Other terminals of the same person may change them meanwhile. */
export interface PreferenceStore {
  read(): SavedPreferences;
  update(change: (kept: SavedPreferences) => SavedPreferences): void;
}

/** How long a draft is unchanged before it is saved, in milliseconds. */
const settledMs = 1_000;
/** How long a change waits at most, while others follow it or the drafts cannot be saved, in milliseconds. */
const unsavedMs = 10_000;
const maxDrafts = 500;
/** The longest draft of a line editor. */
const maxDraftLength = 64 * 1024;

/** Preferences and drafts of this terminal. */
export class Preferences {
  readonly #store: PreferenceStore;
  #kept: SavedPreferences;
  readonly #drafts: Map<string, string>;
  readonly #changed = new Set<string>();
  readonly #timers: Timers;
  /** When the first of the changes was made that are not saved. */
  #unsavedSince = 0;
  #cancel = () => {};

  constructor(store: PreferenceStore, timers: Timers = systemTimers) {
    this.#store = store;
    this.#timers = timers;
    this.#kept = store.read();
    this.#drafts = new Map(Object.entries(this.#kept.drafts ?? {}));
  }

  get notify(): Notify {
    return this.#kept.notify ?? "off";
  }

  setNotify(notify: Notify): void {
    this.#kept = { ...this.#kept, notify };
    this.#store.update((kept) => ({ ...kept, notify }));
  }

  get mouse(): boolean {
    return this.#kept.mouse ?? true;
  }

  setMouse(mouse: boolean): void {
    this.#kept = { ...this.#kept, mouse };
    this.#store.update((kept) => ({ ...kept, mouse }));
  }

  get markdown(): boolean {
    return this.#kept.markdown ?? true;
  }

  setMarkdown(markdown: boolean): void {
    this.#kept = { ...this.#kept, markdown };
    this.#store.update((kept) => ({ ...kept, markdown }));
  }

  level(conversation: string): Level {
    const { levels = {} } = this.#kept;
    return Object.hasOwn(levels, conversation) ? levels[conversation] : "all";
  }

  setLevel(conversation: string, level: Level): void {
    const change = (kept: SavedPreferences) => ({ ...kept, levels: { ...kept.levels, [conversation]: level } });
    this.#kept = change(this.#kept);
    this.#store.update(change);
  }

  draft(conversation: string): string {
    return this.#drafts.get(conversation) ?? "";
  }

  /** Sets a draft, which is saved when it has settled, at most 10 s later, or by {@link flush}. */
  setDraft(conversation: string, text: string): void {
    if (this.draft(conversation) === text) return;
    this.#drafts.delete(conversation);
    if (text !== "") this.#drafts.set(conversation, text);
    if (this.#drafts.size > maxDrafts) this.#forget(this.#drafts.keys().next().value!);
    const now = this.#timers.now();
    if (this.#changed.size === 0) this.#unsavedSince = now;
    this.#changed.add(conversation);
    this.#settleIn(Math.min(settledMs, this.#unsavedSince + unsavedMs - now));
  }

  /** Saves changed drafts. @throws {ChatError} when they cannot be saved now */
  flush(): void {
    this.#cancel();
    if (this.#changed.size === 0) return;
    const changed = [...this.#changed];
    this.#store.update((kept) => {
      const others = Object.entries(kept.drafts ?? {}).filter(([conversation]) => !changed.includes(conversation));
      const own = changed.flatMap((conversation) => {
        const text = this.draft(conversation);
        return text === "" ? [] : [[conversation, text.slice(0, maxDraftLength).toWellFormed()] as const];
      });
      return { ...kept, drafts: Object.fromEntries([...others, ...own]) };
    });
    this.#changed.clear();
  }

  #settleIn(ms: number): void {
    this.#cancel();
    this.#cancel = this.#timers.after(Math.max(0, ms), () => this.#settle());
  }

  #settle(): void {
    try {
      this.flush();
    } catch (error) {
      if (!(error instanceof ChatError)) throw error;
      // Another terminal is writing. Where the system refuses to write, the next change tries again, and the end.
      this.#unsavedSince = this.#timers.now();
      if (error.code === "busy") this.#settleIn(unsavedMs);
    }
  }

  #forget(conversation: string): void {
    this.#drafts.delete(conversation);
    this.#changed.add(conversation);
  }
}
