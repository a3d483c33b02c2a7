import type { MessageWords } from "./tokenizer.ts";

/** The longest word of a tsvector is 2,046 bytes (https://www.postgresql.org/docs/current/textsearch-limitations.html). */
const maxWordBytes = 1_900;
/** Places of a word, and the highest place, that a tsvector has. */
const maxPlaces = 255;
const maxPlace = 16_000;
/** Positions that one mark of a range stands for, as a power of two. */
export const rangeBits = 14;

/** The words of a message as a tsvector. */
export interface WordVector {
  readonly vector: string;
  /** Whether it exceeds the limits of tsvector, which then has its words without places, and the start of long words. */
  readonly isLong: boolean;
}

/** Marks beside the words: no word contains a slash. */
export const marks = {
  conversation: (id: number) => quoted(`/c${id}`),
  sender: (id: number) => quoted(`/u${id}`),
  file: quoted("/file"),
  long: quoted("/long"),
};

/** SQL: the mark of a range of positions, by its number. */
export function rangeMark(number: string): string {
  return `'''/p' || ${number} || ''''`;
}

/** Returns a word as a literal of tsvector and tsquery, cut if it is too long for them. */
export function lexeme(word: string): string {
  return quoted(isCut(word) ? cut(word) : word);
}

/** Returns the vector of a message. */
export function toVector(
  words: MessageWords,
  { position, conversation, sender, hasFile }: {
    position: number;
    conversation: number;
    sender: number;
    hasFile: boolean;
  },
): WordVector {
  const places = new Map<string, number[]>();
  const add = (word: string, place: number) => {
    const known = places.get(word);
    if (known === undefined) places.set(word, [place]);
    else known.push(place);
  };
  words.text.forEach((word, index) => add(word, index + 1));
  // No phrase goes from the end of the text to the file's name.
  const start = words.text.length + 2;
  words.file.forEach((word, index) => add(word, start + index));
  const isLong = start + words.file.length > maxPlace ||
    places.entries().some(([word, { length }]) => length > maxPlaces || isCut(word));
  const all = [
    marks.conversation(conversation),
    marks.sender(sender),
    quoted(`/p${Math.floor(position / 2 ** rangeBits)}`),
  ];
  if (hasFile) all.push(marks.file);
  if (isLong) all.push(marks.long);
  for (const [word, at] of places) all.push(isLong ? lexeme(word) : `${lexeme(word)}:${at}`);
  return { vector: all.join(" "), isLong };
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** Whether a word is too long for a tsvector. A unit of UTF-16 takes at most three bytes. */
export function isCut(word: string): boolean {
  return word.length > maxWordBytes / 3 && new TextEncoder().encode(word).length > maxWordBytes;
}

/** Returns the start of a word, which is that of its prefixes, too. */
function cut(word: string): string {
  const bytes = new Uint8Array(maxWordBytes);
  const { read } = new TextEncoder().encodeInto(word, bytes);
  return word.slice(0, read);
}
