/**
 * Returns the normal form of a text or a query in which both are compared: NFKC, full case folding, and ё as е. Upper
 * and then lower case has the effect of Unicode's full case folding (ß and SS, ŉ, Greek letters with iota subscript).
 * It also merges i and ı, since a capital I does not tell which of them is meant. σ and ς are one letter. Invisible
 * characters are left out, since a query never has them.
 */
export function foldSearchText(text: string): string {
  const folded = text.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  return folded.replaceAll("ς", "σ").replaceAll("ё", "е").replace(/\p{Default_Ignorable_Code_Point}/gu, "");
}
