/** Versions of Deno on the npm registry, installed beside the pinned one. */
import { fileURLToPath } from "node:url";

const root = new URL("../..", import.meta.url);

export const pinnedVersion = Deno.readTextFileSync(new URL(".deno-version", root)).trim();

/** Returns the releases on the registry that are newer than the pinned version, oldest first. */
export async function newerVersions(): Promise<string[]> {
  return releasesAfter(pinnedVersion, JSON.parse(await npm(["view", "deno", "versions", "--json"])));
}

/** Returns the releases of `versions` that are newer than one, oldest first; previews are none. */
export function releasesAfter(version: string, versions: readonly string[]): string[] {
  return versions.filter((each) => /^\d+\.\d+\.\d+$/.test(each) && compareVersions(each, version) > 0)
    .toSorted(compareVersions);
}

function compareVersions(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}

/** Returns the path of the executable, in `folder`. */
export async function installDeno(version: string, folder: string): Promise<string> {
  await npm(["install", "--silent", "--no-save", "--no-package-lock", "--prefix", folder, `deno@${version}`]);
  const platforms = `${folder}/node_modules/@deno`;
  const [{ name }] = [...Deno.readDirSync(platforms)];
  return `${platforms}/${name}/deno${Deno.build.os === "windows" ? ".exe" : ""}`;
}

async function npm(args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("npm", { args: [...args], cwd: fileURLToPath(root) })
    .output();
  if (!success) throw new Error(`npm ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
