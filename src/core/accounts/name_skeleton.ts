import { confusables } from "./confusables.ts";
import { reservedNames } from "./user_name.ts";

const lookalikes = new Map(
  confusables.flatMap(([latin, characters]) => [...characters].map((character) => [character, latin] as const)),
);
/** Digits and signs that are read as letters. */
const readAs: Readonly<Record<string, string>> = { 0: "o", 1: "l", i: "l", "|": "l", 3: "e", 4: "a", 5: "s" };

/**
 * Marks of no script of their own, but for those that make another letter in Japanese; and characters without a
 * picture, which no property of Unicode tells: the empty braille pattern, the null note head, the Khitan filler.
 */
const unseen =
  /[[\p{M}&&\p{Script=Inherited}]--[\u3099\u309a]]|[\p{Cc}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}\u{16fe4}]/gv;
const separators = "[\\p{P}\\p{Z}\\p{Sk}]+";
const betweenDigits = new RegExp(`(?<=\\p{Nd})${separators}(?=\\p{Nd})`, "gu");
const elsewhere = new RegExp(separators, "gu");

/**
 * Returns the skeleton of a name: names with the same skeleton look alike (after Unicode Technical Standard 39, section
 * 4). It ignores case, accents, and separators that are not between two digits; characters of other scripts become the
 * Latin letters that they look like. "" if only separators are left. Skeletons are stored: a change of this function or
 * its table needs a migration that makes them again.
 */
export function nameSkeleton(name: string): string {
  return latin(latin(name.toWellFormed().normalize("NFKD")).toLowerCase().normalize("NFKD"))
    .replace(unseen, "")
    .replace(betweenDigits, "~")
    .replace(elsewhere, "")
    .replace(/[0134i5|]/g, (character) => readAs[character])
    .replaceAll("rn", "m")
    .replaceAll("vv", "w");
}

/** Capital and small letters look like different ones, so each is replaced before and after the change of case. */
function latin(text: string): string {
  return text.replace(/[^\0-\x7f]/gu, (character) => lookalikes.get(character) ?? boxed(character) ?? character);
}

/** Letters in black circles and squares, and those of which flags are made, which NFKD leaves as they are. */
const firstBoxed = [0x1f150, 0x1f170, 0x1f1e6];

function boxed(character: string): string | undefined {
  const code = character.codePointAt(0)!;
  const first = firstBoxed.find((from) => code >= from && code < from + 26);
  return first === undefined ? undefined : String.fromCharCode(0x61 + code - first);
}

const reserved = new Set([...reservedNames].map(nameSkeleton));

/** Returns whether a name looks like one that no user can have, such as "adm1n". */
export function looksReserved(name: string): boolean {
  return reserved.has(nameSkeleton(name));
}
