import type { DatabaseSync } from "node:sqlite";
import type { SearchTerm } from "../../../core/search/search_query.ts";
import { decodeText } from "../../shared/column_values.ts";
import { searchableText } from "../../shared/searchable_text.ts";

/** Adds the SQL functions that convert an entry for the index to a connection: triggers of entries and files call them. */
export function addSearchFunctions(connection: DatabaseSync): void {
  const isPure = { deterministic: true };
  connection.function("searchable_text", isPure, (text) => {
    return searchableText(text instanceof Uint8Array ? decodeText(text) : String(text ?? ""));
  });
  connection.function("search_scope", isPure, (conversation, sender) => {
    return `${conversationToken(Number(conversation))} ${senderToken(Number(sender))}`;
  });
}

/** The conversations and the sender of a search, by row id. */
export interface SearchScope {
  /** Conversations to search; not empty. */
  readonly conversations: readonly number[];
  /** Any sender if undefined. */
  readonly sender: number | undefined;
}

export interface SearchTerms {
  /** Only messages with a file. */
  readonly hasFile?: boolean;
  readonly terms: readonly SearchTerm[];
  readonly excluded: readonly SearchTerm[];
}

/**
 * Builds the FTS5 query (https://sqlite.org/fts5.html, section 3) for these terms. User input appears only in strings.
 */
export function searchExpression(
  { terms, excluded, hasFile }: SearchTerms,
  { conversations, sender }: SearchScope,
): string {
  const required = [`scope : (${conversations.map((id) => quoted(conversationToken(id))).join(" OR ")})`];
  if (sender !== undefined) required.push(`scope : ${quoted(senderToken(sender))}`);
  if (hasFile) required.push(`scope : ${quoted(fileToken)}`);
  // Joined without AND: FTS5 then ignores a string without words.
  if (terms.length > 0) required.push(`{text file} : (${terms.map(phrase).join(" ")})`);
  const all = required.map((part) => `(${part})`).join(" AND ");
  return excluded.length === 0 ? all : `(${all}) NOT ({text file} : (${excluded.map(phrase).join(" OR ")}))`;
}

/** In the scope of messages with a file; migrations contain it too. */
const fileToken = "file";

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
