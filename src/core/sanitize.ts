/** Replaces characters that must not reach a terminal and have no picture of their own. */
const replacement = "\uFFFD";
/** More combining marks on one character would be drawn over the neighbouring lines. */
const maxMarks = 8;

const emoji = "\\p{Extended_Pictographic}[\\uFE0F\\u{1F3FB}-\\u{1F3FF}]*";
/** Scripts that need joiners (Unicode 16.0, section 23.2). */
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
/** The tags of a subdivision after a black flag, and the end of them (Unicode Technical Standard 51, definition ED-14a). */
const tag = "[\\u{E0030}-\\u{E0039}\\u{E0061}-\\u{E007A}]";
const maxTags = 6;
const tagOfFlag = [
  ...Array.from(
    { length: maxTags },
    (_, before) => `(?<=\\u{1F3F4}${tag}{${before}})${tag}(?=${tag}{0,${maxTags - 1 - before}}\\u{E007F})`,
  ),
  `(?<=\\u{1F3F4}${tag}{1,${maxTags}})\\u{E007F}`,
].join("|");
/** Invisible characters that only say where lines may break or letters join. */
const harmless = /^[\u00AD\u034F\u200B-\u200D\u2060-\u2064\uFEFF]$/;
/** Visible format characters: numbers and verses in Arabic, Syriac, Kaithi. */
const visibleFormat = "\\u0600-\\u0605\\u06DD\\u070F\\u0890\\u0891\\u08E2\\u{110BD}\\u{110CD}";
const variationSelectors = "\\uFE00-\\uFE0F\\u{E0100}-\\u{E01EF}\\u180B-\\u180D\\u180F";
const invisible = "[\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Noncharacter_Code_Point}]";

const allowed = new RegExp(
  `${joinerInEmoji}|${joinerInWord}|${tagOfFlag}|[${visibleFormat}${variationSelectors}]`,
  "uy",
);
const suspicious = new RegExp(`\\p{Cc}|${invisible}`, "gu");
const marks = new RegExp(`(\\p{M}{${maxMarks}})\\p{M}+`, "gu");
const leadingMark = /^\p{M}/u;

/** Returns the picture of a control character (U+2400 …), or the replacement character. */
function picture(character: string): string {
  const code = character.codePointAt(0)!;
  if (character === "\t") return "    ";
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? "\u2421" : replacement;
}

/**
 * Makes one line of untrusted text that is harmless to a terminal: replaces control and escape characters, newlines,
 * bidirectional overrides, invisible characters and excessive combining marks with visible ones. Leaves out invisible
 * characters that are harmless, unless the text has no other ones.
 */
export function sanitizeLine(text: string): string {
  const pictured = text.toWellFormed().replace(suspicious, (character, index: number) => {
    allowed.lastIndex = index;
    if (allowed.test(text)) return character;
    return harmless.test(character) ? "" : picture(character);
  });
  if (pictured === "" && text !== "") return replacement;
  const bounded = pictured.replace(marks, (_all, first: string) => first + replacement);
  return leadingMark.test(bounded) ? `\u25CC${bounded}` : bounded;
}

/** Splits untrusted text into lines, each sanitized like {@link sanitizeLine}; at least one. */
export function sanitizeLines(text: string): string[] {
  return text.split(/\r\n|\n/).map(sanitizeLine);
}
