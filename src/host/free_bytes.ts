import { statfs } from "node:fs/promises";

/** What the disk of a folder, or of where it will be, still takes for this user; undefined where Deno does not tell: it wants --allow-sys=statfs. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  for (let path = folder;;) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) return undefined;
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT") || path === "." || path === "/") {
        throw error;
      }
      path = path.replace(/\/*[^/]*\/*$/, "") || (path.startsWith("/") ? "/" : ".");
    }
  }
}
