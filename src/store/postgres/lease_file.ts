import { dataFolderError, leaseFileName } from "../data_folder.ts";

/**
 * The token of the process that took the lease last with a data folder. The next process that locked the folder knows
 * by it that the former one is dead, and need not wait until its lease runs out.
 */
export class LeaseFile {
  readonly #folder: string;
  readonly #path: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = `${folder}/${leaseFileName}`;
  }

  /** Returns undefined if there is none. */
  read(): string | undefined {
    try {
      const [token] = /^[0-9a-f-]{36}/.exec(Deno.readTextFileSync(this.#path)) ?? [];
      return token;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw dataFolderError(this.#folder, error);
    }
  }

  write(token: string): void {
    try {
      Deno.writeTextFileSync(this.#path, `${token}\n`, { mode: 0o600 });
    } catch (error) {
      throw dataFolderError(this.#folder, error);
    }
  }
}
