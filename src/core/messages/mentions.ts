const pattern = /@([a-z0-9][a-z0-9._-]{0,31})/g;
const maxMentions = 50;

/** Returns the members that a text names ("@ben"), each once. */
export function findMentions(text: string, isMember: (user: string) => boolean): string[] {
  if (!text.includes("@")) return [];
  const found = new Set<string>();
  for (const [, name] of text.matchAll(pattern)) {
    // The dot that ends "Ask @ben." is not part of the name.
    for (const user of new Set([name, name.replace(/[._-]+$/, "")])) {
      if (isMember(user) && found.size < maxMentions) found.add(user);
    }
  }
  return [...found];
}
