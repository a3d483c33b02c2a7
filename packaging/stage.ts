import { cp } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
/** The sources of an executable. */
export const sources = ["main.ts", "deno.json", "deno.lock", "src"];

/** Copies the sources to an empty folder, and writes the commit into the copy. */
export async function stageSources(folder: string, commit: string): Promise<void> {
  for (const name of sources) await cp(`${root}${name}`, `${folder}/${name}`, { recursive: true });
  const path = `${folder}/src/host/commit.ts`;
  const standard = Deno.readTextFileSync(path);
  const written = standard.replace('"unknown"', JSON.stringify(commit));
  if (written === standard && commit !== "unknown") throw new Error(`${path} has no place for the commit`);
  Deno.writeTextFileSync(path, written);
}
