import { createHash } from "node:crypto";

/** Files that a server reads only when it starts: its configuration, and the secrets of its broker. */
export class StartFiles {
  readonly #files: readonly string[];
  /** Digests of the files that could be read, by path. */
  #digests: ReadonlyMap<string, string> = new Map();

  constructor(files: readonly string[]) {
    this.#files = files;
  }

  /** Records the contents of the files; call it before the server reads them. */
  remember(): void {
    this.#digests = digestsOf(this.#files);
  }

  /**
   * Reports whether a file has other content than remembered, or cannot be read any more. A file that did not exist does
   * not count: the server did without it, or made it.
   */
  haveChanged(): boolean {
    const digests = digestsOf(this.#digests.keys());
    return [...this.#digests].some(([file, digest]) => digests.get(file) !== digest);
  }
}

/** Leaves out files that cannot be read. */
function digestsOf(files: Iterable<string>): Map<string, string> {
  const digests = new Map<string, string>();
  for (const file of files) {
    try {
      digests.set(file, createHash("sha256").update(Deno.readFileSync(file)).digest("hex"));
    } catch {
      continue;
    }
  }
  return digests;
}
