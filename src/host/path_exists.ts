/**
 * Reports whether a file, a folder or a link (even a broken one) exists at `path`.
 * @throws {Error} when the path cannot be read
 */
export function pathExists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
