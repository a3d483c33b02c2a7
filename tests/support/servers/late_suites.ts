import { makeStoresLate } from "../fakes/late_store.ts";

/**
 * Registers the tests of all files in a folder of `tests/` that use a chat once more, on stores that answer late.
 * @param options.except names of files that measure how soon a store answers
 */
export async function importLateSuites(
  folder: URL,
  { latenessMs, except = [] }: { latenessMs: number; except?: readonly string[] },
): Promise<void> {
  makeStoresLate(latenessMs);
  for (const file of testFiles(folder)) {
    const usesChat = /\bTest(Chat|Rooms|Session)\b/.test(Deno.readTextFileSync(file));
    if (usesChat && !except.some((name) => file.href.endsWith(`/${name}`))) await import(file.href);
  }
}

function testFiles(folder: URL): URL[] {
  return [...Deno.readDirSync(folder)].sort((one, other) => one.name < other.name ? -1 : 1).flatMap((entry) => {
    if (entry.isDirectory) return testFiles(new URL(`${entry.name}/`, folder));
    return entry.name.endsWith("_test.ts") && entry.name !== "late_store_test.ts" ? [new URL(entry.name, folder)] : [];
  });
}
