import { ChatError } from "../../core/chat_error.ts";
import type { Level } from "./conversation_list.ts";

/** How the desktop is told: by OSC 9 (iTerm2, kitty, WezTerm, Windows Terminal) or OSC 777 (urxvt, foot, VTE). */
export type Notify = "off" | "osc9" | "osc777";

/** What a person wants of the screen, and has not sent yet; kept between runs. */
export interface SavedPreferences {
  readonly notify?: Notify;
  /** By conversation; "all" where there is none. */
  readonly levels?: Readonly<Record<string, Level>>;
  /** By conversation. */
  readonly drafts?: Readonly<Record<string, string>>;
}

/** Where {@link SavedPreferences} is kept. Other terminals of the same person may change it meanwhile. */
export interface PreferenceStore {
  read(): SavedPreferences;
  update(change: (kept: SavedPreferences) => SavedPreferences): void;
}

/** A draft is kept when it was not changed for so long, in milliseconds. */
const settledMs = 1_000;
const maxDrafts = 100;
const maxDraftLength = 16 * 1024;

/** Settings and drafts of this terminal. */
export class Preferences {
  readonly #store: PreferenceStore;
  #kept: SavedPreferences;
  readonly #drafts: Map<string, string>;
  readonly #changed = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: PreferenceStore) {
    this.#store = store;
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

  /** Kept a moment later, or by {@link flush}. */
  setDraft(conversation: string, text: string): void {
    if (this.draft(conversation) === text) return;
    this.#drafts.delete(conversation);
    if (text !== "") this.#drafts.set(conversation, text);
    if (this.#drafts.size > maxDrafts) this.#forget(this.#drafts.keys().next().value!);
    this.#changed.add(conversation);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#settle(), settledMs);
  }

  /** @throws {ChatError} when they cannot be kept now */
  flush(): void {
    clearTimeout(this.#timer);
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

  #settle(): void {
    try {
      this.flush();
    } catch (error) {
      // Another terminal is writing: the next change, or the end, tries again.
      if (!(error instanceof ChatError)) throw error;
    }
  }

  #forget(conversation: string): void {
    this.#drafts.delete(conversation);
    this.#changed.add(conversation);
  }
}
