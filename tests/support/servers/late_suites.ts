import { makeStoresLate } from "../fakes/late_store.ts";

/** Registers the tests of all files in a folder of `tests/` that use a chat once more, on stores that answer late. */
export async function importLateSuites(folder: URL, latenessMs: number): Promise<void> {
  makeStoresLate(latenessMs);
  for (const file of testFiles(folder)) {
    const usesChat = /\bTest(Chat|Rooms|Session)\b/.test(Deno.readTextFileSync(file));
    if (usesChat && !file.href.endsWith("/late_store_test.ts")) await import(file.href);
  }
}

function testFiles(folder: URL): URL[] {
  return [...Deno.readDirSync(folder)].sort((one, other) => one.name < other.name ? -1 : 1).flatMap((entry) => {
    if (entry.isDirectory) return testFiles(new URL(`${entry.name}/`, folder));
    return entry.name.endsWith("_test.ts") ? [new URL(entry.name, folder)] : [];
  });
}
