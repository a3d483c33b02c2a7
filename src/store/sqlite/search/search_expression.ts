import type { SearchTerm } from "../../../core/search/search_query.ts";
import { decodeText } from "../column_values.ts";

/**
 * Scripts that leave no space between words, and pictures: each character is a word of its own, so that a part of what was
 * written is found.
 */
const single = new RegExp(
  `[${
    ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"].map((name) => `\\p{Script=${name}}`).join("")
  }\\p{So}]\\p{M}*`,
  "gu",
);

/** A text as the index and its queries are given it, for FTS5's tokenizer to find the words in. */
function searchableText(text: string): string {
  return text.replace(single, " $& ");
}

/** SQL functions for what the index is given of an entry; triggers call them. */
export const searchFunctions = {
  searchable_text: (text: Uint8Array) => searchableText(decodeText(text)),
  search_scope: (conversation: number, sender: number) => `${conversationToken(conversation)} ${senderToken(sender)}`,
};

/** Row ids of what a search is about. */
export interface SearchScope {
  /** One of these; not empty. */
  readonly conversations: readonly number[];
  /** Anybody when undefined. */
  readonly sender: number | undefined;
}

export interface SearchTerms {
  readonly terms: readonly SearchTerm[];
  readonly excluded: readonly SearchTerm[];
}

/**
 * The FTS5 query (https://sqlite.org/fts5.html, section 3) for these terms. What people typed stands in it as strings only.
 */
export function searchExpression({ terms, excluded }: SearchTerms, { conversations, sender }: SearchScope): string {
  const required = [`scope : (${conversations.map((id) => quoted(conversationToken(id))).join(" OR ")})`];
  if (sender !== undefined) required.push(`scope : ${quoted(senderToken(sender))}`);
  // One after the other, without AND: so a string that turns out to have no word in it counts for nothing.
  if (terms.length > 0) required.push(`text : (${terms.map(phrase).join(" ")})`);
  const all = required.map((part) => `(${part})`).join(" AND ");
  return excluded.length === 0 ? all : `(${all}) NOT (text : (${excluded.map(phrase).join(" OR ")}))`;
}

function conversationToken(id: number): string {
  return `c${id}`;
}

function senderToken(id: number): string {
  return `u${id}`;
}

function phrase({ text, prefix }: SearchTerm): string {
  // FTS5 reads a query up to the first NUL.
  const words = quoted(searchableText(text.replaceAll("\0", " ")).trim());
  return prefix ? `${words} *` : words;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
