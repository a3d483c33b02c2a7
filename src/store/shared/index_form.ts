let form: string | undefined;

/**
 * Returns the form of the words in an index: `searchableText` as it is now, with this runtime's tables of Unicode. Raise
 * the number when that function changes.
 */
export function indexForm(): string {
  return form ??= `1, ${countCharacters()} characters`;
}

/**
 * Counts the characters of this runtime's version of Unicode, which tells versions apart: each adds blocks of characters.
 * Blocks begin at multiples of 16, so only these are counted; the planes from 4 on have got no characters since Unicode
 * 4.0. `process.versions` of Deno 2.9 names Unicode 17, but its regular expressions have the tables of Unicode 16.
 */
function countCharacters(): number {
  const unassigned = /\p{Cn}/u;
  let count = 0;
  for (let code = 0; code < 0x40000; code += 16) if (!unassigned.test(String.fromCodePoint(code))) count += 1;
  return count;
}
