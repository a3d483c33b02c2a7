import { parseUserName } from "../accounts/user_name.ts";
import { ChatError } from "../chat_error.ts";
import { parseUtcTime } from "../local_time.ts";
import { foldSearchText } from "./search_text.ts";

/** Longest query, in UTF-16 units. */
export const maxQueryLength = 512;
/** Words, phrases and conditions in one query. */
const maxTerms = 32;
/** A shorter prefix would match too many words. */
const minPrefixLength = 2;

/** A word, or a phrase. */
export interface SearchTerm {
  /** Contains at least one letter, digit or symbol. */
  readonly text: string;
  /** Whether the last word is a prefix. */
  readonly prefix: boolean;
}

/** A parsed query; a message must match all of it. Times are in milliseconds since the Unix epoch. */
export interface SearchQuery {
  readonly terms: readonly SearchTerm[];
  /** A matching message contains none of these. */
  readonly excluded: readonly SearchTerm[];
  /** A user's name; "me" is the caller. */
  readonly from?: string;
  /** An address as typed. */
  readonly in?: string;
  /** Accepted before this time. */
  readonly before?: number;
  /** Accepted at this time or later. */
  readonly after?: number;
  /** Only messages with a file. */
  readonly hasFile?: boolean;
  /** Only messages that mention the caller. */
  readonly mentionsMe?: boolean;
  /** Only messages of others that the caller has not read. */
  readonly isUnread?: boolean;
}

type Condition = "from" | "in" | "before" | "after" | "has" | "mentions" | "is";

/** A token of a query: a phrase in quotation marks, or a word. */
const piece = /(?<minus>-?)(?:"(?<phrase>[^"]*)"(?<star>\*?)|(?<word>[^\s"]+))/uy;
const condition = /^(?<name>from|in|before|after|has|mentions|is):(?<value>.*)$/isu;
/** Characters that are searchable in every version of Unicode. */
const findable = /[\p{L}\p{N}\p{Co}\p{So}]/u;

/**
 * Parses a query as people type it: words and "quoted phrases" that must all occur, prefixes (`deplo*`), `-excluded`
 * terms, and `from:NAME`, `in:ADDRESS`, `before:DATE`, `after:DATE`, `has:file`, `mentions:me`, `is:unread`. A date is
 * 2026-01-31 or 2026-01-31T12:00, in UTC unless it names a zone. Ignores words without a letter, digit or symbol.
 * @throws {ChatError} `invalid_argument`, naming the fault
 */
export function parseSearchQuery(typed: string): SearchQuery {
  if (typed.length > maxQueryLength) {
    throw invalid(`The search is longer than ${maxQueryLength} characters. Shorten it.`);
  }
  if (!typed.isWellFormed()) throw invalid("The search is not valid UTF-8.");
  const query = new QueryBuilder();
  for (const { groups } of pieces(typed.replaceAll(/[“”„]/g, '"'))) {
    const { minus, phrase, star, word } = groups as Record<string, string | undefined>;
    const named = word === undefined ? undefined : condition.exec(word)?.groups;
    if (named !== undefined) query.addCondition(named.name.toLowerCase() as Condition, named.value, minus !== "");
    else if (phrase !== undefined) query.addTerm(phrase, { excluded: minus !== "", prefix: star !== "" });
    else if (word !== undefined) {
      query.addTerm(word.replace(/\*$/, ""), { excluded: minus !== "", prefix: word.endsWith("*") });
    }
  }
  return query.build();
}

function* pieces(text: string): Generator<RegExpExecArray> {
  const space = /\s*/uy;
  for (let at = 0; at < text.length;) {
    space.lastIndex = at;
    at += space.exec(text)![0].length;
    if (at === text.length) return;
    piece.lastIndex = at;
    const found = piece.exec(text);
    if (found === null) {
      const rest = text.slice(at);
      throw invalid(`The quotation mark before ${quote(rest.replace(/^-?"/, ""))} is not closed.`);
    }
    yield found;
    at += found[0].length;
  }
}

interface ConditionValues extends Pick<SearchQuery, "from" | "in" | "before" | "after"> {
  readonly has?: true;
  readonly mentions?: true;
  readonly is?: true;
}

class QueryBuilder {
  readonly #terms: SearchTerm[] = [];
  readonly #excluded: SearchTerm[] = [];
  readonly #conditions = new Map<Condition, string | number | true>();
  #count = 0;

  addTerm(text: string, { excluded, prefix }: { excluded: boolean; prefix: boolean }): void {
    const folded = foldSearchText(text);
    if (!findable.test(folded)) return;
    this.#countPart();
    if (prefix && lastWordLength(folded) < minPrefixLength) {
      throw invalid(`${quote(`${text}*`)} matches too many words: write at least ${minPrefixLength} letters before *.`);
    }
    (excluded ? this.#excluded : this.#terms).push({ text, prefix });
  }

  addCondition(name: Condition, value: string, excluded: boolean): void {
    this.#countPart();
    if (excluded) throw invalid(`${name}: cannot be excluded. Remove the minus before it.`);
    if (value === "") throw invalid(`${name}: has no value. Write ${examples[name]}.`);
    if (this.#conditions.has(name)) throw invalid(`${name}: occurs twice. Write it once.`);
    this.#conditions.set(name, readers[name](value));
  }

  build(): SearchQuery {
    if (this.#terms.length + this.#excluded.length + this.#conditions.size === 0) {
      throw invalid(
        'The search is empty. Write words, "a phrase", from:NAME, in:ADDRESS, before:DATE, after:DATE, ' +
          "has:file, mentions:me, is:unread.",
      );
    }
    const { before, after, has, mentions, is, ...rest } = Object.fromEntries(this.#conditions) as ConditionValues;
    if (before !== undefined && after !== undefined && before <= after) {
      throw invalid("The date of before: must be later than the date of after:.");
    }
    return {
      terms: this.#terms,
      excluded: this.#excluded,
      ...rest,
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
      ...(has && { hasFile: true }),
      ...(mentions && { mentionsMe: true }),
      ...(is && { isUnread: true }),
    };
  }

  #countPart(): void {
    if (++this.#count > maxTerms) throw invalid(`The search has more than ${maxTerms} parts. Shorten it.`);
  }
}

const examples: Readonly<Record<Condition, string>> = {
  from: "from:NAME",
  in: "in:ADDRESS",
  before: "before:2026-01-31",
  after: "after:2026-01-31",
  has: "has:file",
  mentions: "mentions:me",
  is: "is:unread",
};

const readers: Readonly<Record<Condition, (value: string) => string | number | true>> = {
  from: (value) => parseUserName(value.replace(/^@/, "").toLowerCase()),
  in: (value) => value,
  before: (value) => parseTime("before", value),
  after: (value) => parseTime("after", value),
  has: (value) => parseOnly("has", value),
  mentions: (value) => parseOnly("mentions", value),
  is: (value) => parseOnly("is", value),
};

/** Reads a condition that has one value. */
function parseOnly(name: "has" | "mentions" | "is", value: string): true {
  if (`${name}:${value.toLowerCase()}` === examples[name]) return true;
  throw invalid(`${quote(`${name}:${value}`)} is not a condition: write ${examples[name]}.`);
}

function parseTime(name: Condition, value: string): number {
  const time = parseUtcTime(value);
  if (time >= 0) return time;
  throw invalid(`${quote(value)} is not a date: write ${examples[name]} or ${name}:2026-01-31T12:00.`);
}

/** Counts letters, digits and symbols of the last word. */
function lastWordLength(text: string): number {
  return [...(/[\p{L}\p{N}\p{Co}\p{So}\p{M}]*$/u.exec(text)![0].replaceAll(/\p{M}/gu, ""))].length;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40).toWellFormed()}…` : text);
}

function invalid(message: string): ChatError {
  return new ChatError("invalid_argument", message);
}
