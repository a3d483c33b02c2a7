/** Whether anything is at `path`; a link counts, wherever it leads. @throws {Error} when that may not be asked */
export function pathExists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
