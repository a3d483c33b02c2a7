/**
 * "@" and a name, but not within a word such as "team@ana" or an e-mail address, and not the start of a longer word.
 * Chinese, Japanese and Thai separate no words, so a name may follow their letters; Korean particles may follow a name.
 */
const pattern =
  /(?<![[\p{L}\p{N}\p{M}_]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]])@([a-zA-Z0-9][a-zA-Z0-9._\-]{0,31})(?![\p{sc=Latn}\p{N}\p{M}])/gv;
const maxMentions = 50;

/** The members that "@room" (all) or "@here" (those online) names at once. */
export type MentionAudience = "room" | "here";

/** Returns the larger audience that a text names. */
export function findAudience(text: string): MentionAudience | undefined {
  const named = findMentions(text, (name) => name === "room" || name === "here");
  return named.length === 0 ? undefined : named.includes("room") ? "room" : "here";
}

/** Returns the members that a text names ("@ben", in any case), each once. */
export function findMentions(text: string, isMember: (user: string) => boolean): string[] {
  if (!text.includes("@")) return [];
  const found = new Set<string>();
  for (const [, written] of text.matchAll(pattern)) {
    const name = written.toLowerCase();
    // The dot that ends "Ask @ben." is not part of the name.
    for (const user of new Set([name, name.replace(/[._-]+$/, "")])) {
      if (isMember(user) && found.size < maxMentions) found.add(user);
    }
  }
  return [...found];
}
