import { withoutCode } from "./code_marks.ts";

/**
 * "@" and a name, but not within a word such as "team@ana" or an e-mail address, and not the start of a longer word.
 * Underscores before it belong to a word only if they follow one: "_@ana_" is in italics.
 * Chinese, Japanese and Thai separate no words, so a name may follow their letters; Korean particles may follow a name.
 */
const pattern =
  /(?<![[\p{L}\p{N}\p{M}]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]]_*)@([a-zA-Z0-9][a-zA-Z0-9._\-]{0,31})(?![\p{sc=Latn}\p{N}\p{M}])/gv;
/**
 * The end of a web address, from "://" on or, where it begins with a domain, from there on: "x.org/@ana". It ends at
 * white space, at characters that no address contains, and at letters and punctuation of languages without spaces.
 */
const address =
  /(?::\/\/|(?<![\p{L}\p{N}@._\-])(?:[\p{L}\p{N}][\p{L}\p{N}\-]*\.)+\p{L}{2,}(?::\d{1,5})?\/)[^\s<>"\u3000-\u303f\uff00-\uffef\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]*/gu;
const maxMentions = 50;

/** The members that "@room" (all) or "@here" (those online) names at once. */
export type MentionAudience = "room" | "here";

/** Returns the larger audience that a text names. */
export function findAudience(text: string): MentionAudience | undefined {
  const named = findMentions(text, (name) => name === "room" || name === "here");
  return named.length === 0 ? undefined : named.includes("room") ? "room" : "here";
}

/** Returns the members that a text names ("@ben", in any case) outside code and web addresses, each once. */
export function findMentions(text: string, isMember: (user: string) => boolean): string[] {
  if (!text.includes("@")) return [];
  const found = new Set<string>();
  for (const [, written] of withoutCode(text).replace(address, "/").matchAll(pattern)) {
    const name = written.toLowerCase();
    // The dot that ends "Ask @ben." is not part of the name.
    for (const user of new Set([name, name.replace(/[._-]+$/, "")])) {
      if (isMember(user) && found.size < maxMentions) found.add(user);
    }
  }
  return [...found];
}
