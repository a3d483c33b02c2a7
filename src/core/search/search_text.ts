/**
 * Returns the normal form of a text or a query in which both are compared: NFKC, full case folding, and ё as е. Upper
 * and then lower case folds what CaseFolding.txt of Unicode folds fully (ß and SS, ŉ, Greek letters with iota
 * subscript); it also makes one letter of i and ı, whose upper case in a text does not tell the language. σ and ς are
 * one letter. Characters without a picture are left out, as people do not type them.
 */
export function foldSearchText(text: string): string {
  const folded = text.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  return folded.replaceAll("ς", "σ").replaceAll("ё", "е").replace(/\p{Default_Ignorable_Code_Point}/gu, "");
}
