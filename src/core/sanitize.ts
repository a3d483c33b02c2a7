/** Stands for what must not reach a terminal and has no picture of its own. */
const replacement = "\uFFFD";
/** More marks than this on one character are drawn over the lines around it. */
const maxMarks = 8;

const emoji = "\\p{Extended_Pictographic}[\\uFE0F\\u{1F3FB}-\\u{1F3FF}]*";
/** Scripts that are not written right without joiners (Unicode 16.0, section 23.2). */
const joiningScripts = [
  "Arabic",
  "Syriac",
  "Mongolian",
  "Devanagari",
  "Bengali",
  "Gurmukhi",
  "Gujarati",
  "Oriya",
  "Tamil",
  "Telugu",
  "Kannada",
  "Malayalam",
  "Sinhala",
  "Khmer",
  "Myanmar",
].map((script) => `\\p{Script=${script}}`).join("");

const joinerInEmoji = `(?<=${emoji})\\u200D(?=\\p{Extended_Pictographic})`;
const joinerInWord = `(?<=[${joiningScripts}]\\p{M}*)[\\u200C\\u200D](?=[${joiningScripts}])`;
/** Format characters that are seen: numbers and verses in Arabic, Syriac, Kaithi. */
const visibleFormat = "\\u0600-\\u0605\\u06DD\\u070F\\u0890\\u0891\\u08E2\\u{110BD}\\u{110CD}";
const variationSelectors = "\\uFE00-\\uFE0F\\u{E0100}-\\u{E01EF}\\u180B-\\u180D\\u180F";
const invisible = "[\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Noncharacter_Code_Point}]";

const allowed = new RegExp(`${joinerInEmoji}|${joinerInWord}|[${visibleFormat}${variationSelectors}]`, "uy");
const suspicious = new RegExp(`\\p{Cc}|${invisible}`, "gu");
const marks = new RegExp(`(\\p{M}{${maxMarks}})\\p{M}+`, "gu");
const leadingMark = /^\p{M}/u;

/** A picture of a control character (U+2400 …), or the replacement character. */
function picture(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === "\t") return "    ";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : replacement;
}

/**
 * What somebody else wrote, as one line that cannot do anything to a terminal: control and escape characters, overrides
 * of direction, invisible characters and heaps of marks are replaced by something to see. A newline counts as control.
 */
export function sanitizeLine(text: string): string {
  const harmless = text.toWellFormed().replace(suspicious, (character, index: number) => {
    allowed.lastIndex = index;
    return allowed.test(text) ? character : picture(character);
  });
  const bounded = harmless.replace(marks, (_all, first: string) => first + replacement);
  return leadingMark.test(bounded) ? `\u25CC${bounded}` : bounded;
}

/** The lines of what somebody else wrote, each like {@link sanitizeLine}; at least one. */
export function sanitizeLines(text: string): string[] {
  return text.split(/\r\n|\n/).map(sanitizeLine);
}
