import { statfs } from "node:fs/promises";

/**
 * Returns how many bytes this user can still write to the disk of a folder, which need not exist yet; undefined without
 * the permission --allow-sys=statfs.
 */
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
