import type { MessageWords } from "./tokenizer.ts";
import { isCut, lexeme, marks } from "./word_vector.ts";

/** A word or a phrase of a query, as the index has it. */
export interface WordTerm {
  /** Not empty. */
  readonly words: readonly string[];
  /** Whether the last word is a prefix. */
  readonly prefix: boolean;
}

export interface WordQuery {
  readonly terms: readonly WordTerm[];
  /** A matching message contains none of these. */
  readonly excluded: readonly WordTerm[];
}

/** The conversations and the sender of a search, by key. */
export interface WordScope {
  /** Not empty. */
  readonly conversations: readonly number[];
  /** Any sender if undefined. */
  readonly sender: number | undefined;
  readonly hasFile: boolean;
}

/**
 * Returns the tsquery of a search. A long message, whose vector has no places, matches by the words of all terms alone:
 * {@link matches} decides about it.
 */
export function toTsquery({ terms, excluded }: WordQuery, { conversations, sender, hasFile }: WordScope): string {
  const parts = [`(${conversations.map(marks.conversation).join(" | ")})`];
  if (sender !== undefined) parts.push(marks.sender(sender));
  if (hasFile) parts.push(marks.file);
  if (terms.length + excluded.length > 0) {
    const ways = [[marks.long, ...terms.flatMap(wordsOf)]];
    // Only a long message has a word that is cut.
    if (!terms.some(hasCutWord)) {
      const others = excluded.filter((term) => !hasCutWord(term)).map((term) => `!${phrase(term)}`);
      ways.push([`!${marks.long}`, ...terms.map(phrase), ...others]);
    }
    parts.push(`(${ways.map((way) => `(${way.join(" & ")})`).join(" | ")})`);
  }
  return parts.join(" & ");
}

/** Whether a message has all terms and none that is excluded. */
export function matches({ terms, excluded }: WordQuery, { text, file }: MessageWords): boolean {
  const has = (term: WordTerm) => occursIn(text, term) || occursIn(file, term);
  return terms.every(has) && !excluded.some(has);
}

function hasCutWord({ words }: WordTerm): boolean {
  return words.some(isCut);
}

function phrase(term: WordTerm): string {
  return `(${wordsOf(term).join(" <-> ")})`;
}

function wordsOf({ words, prefix }: WordTerm): string[] {
  return words.map((word, index) => prefix && index === words.length - 1 ? `${lexeme(word)}:*` : lexeme(word));
}

function occursIn(all: readonly string[], { words, prefix }: WordTerm): boolean {
  const last = words.length - 1;
  return all.some((_, start) =>
    words.every((word, index) => {
      const found = all[start + index];
      return found !== undefined && (prefix && index === last ? found.startsWith(word) : found === word);
    })
  );
}
