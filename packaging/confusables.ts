/**
 * Writes the table of characters that look like Latin letters and digits, from Unicode's confusables.txt:
 *
 *     deno task confusables    # src/core/accounts/confusables.ts
 */
import data from "unhomoglyph/data.json" with { type: "json" };

/** Characters in one row of the table. */
const perRow = 12;

/** The source of the table. */
export function confusablesTable(): string {
  const rows = [...lookalikes()].toSorted(([one], [other]) => one < other ? -1 : 1).flatMap(([latin, characters]) =>
    chunks(characters.toSorted(), perRow).map((part) => `  ["${latin}", "${part.map(escaped).join("")}"],`)
  );
  return [
    "/**",
    " * Characters that look like Latin letters or digits, with these, in lower case. Made by `deno task confusables` from",
    " * Unicode's confusables.txt, except characters that NFKD, lower case and the removal of accents make Latin.",
    " */",
    "export const confusables: readonly (readonly [latin: string, characters: string])[] = [",
    ...rows,
    "];",
    "",
  ].join("\n");
}

function lookalikes(): Map<string, string[]> {
  const prototypes = new Map(Object.entries(data).map(([character, prototype]) => [character, plain(prototype)]));
  const groups = new Map<string, string[]>();
  for (const character of candidates(prototypes.keys())) {
    const upper = prototypes.get(character.toUpperCase());
    const own = prototypes.get(character);
    // A small letter in the shape of a capital one, such as the Cyrillic ve.
    const latin = own !== undefined && isLatin(own) ? own : upper;
    if (latin === undefined || !isLatin(latin) || plain(character) === latin) continue;
    groups.set(latin, [...groups.get(latin) ?? [], character]);
  }
  return groups;
}

/**
 * Single characters of the data that are letters, digits or symbols, and the small letters of its capital ones; NFKD
 * leaves them as they are.
 */
function candidates(characters: Iterable<string>): Set<string> {
  return new Set(
    [...characters].flatMap((character) => [character, character.toLowerCase()])
      .filter((character) =>
        /^[\p{L}\p{N}\p{S}]$/u.test(character) && character > "\x7f" && character.normalize("NFKD") === character
      ),
  );
}

function plain(text: string): string {
  return text.normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f\p{Default_Ignorable_Code_Point}]/gu, "");
}

function isLatin(text: string): boolean {
  return /^[a-z0-9]+$/.test(text);
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!.toString(16).toUpperCase();
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\u{${code}}`;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../src/core/accounts/confusables.ts", import.meta.url), confusablesTable());
}
