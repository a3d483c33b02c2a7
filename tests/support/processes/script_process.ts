import { createInterface, type Interface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";

/** A Deno script in a process of its own that may use one folder only. */
export class ScriptProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(script: URL, folder: string) {
    const permissions = [`--allow-read=${folder}`, `--allow-write=${folder}`];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--cached-only", ...permissions, fileURLToPath(script), folder],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    // deno-lint-ignore no-explicit-any -- Deno's and Node's types of the same stream
    this.#reader = createInterface({ input: Readable.fromWeb(this.#child.stdout as any) });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line of its standard output; undefined at the end. */
  async nextLine(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done ? undefined : value;
  }

  /** Ends it as a crash does, and gives all of its output that was not read. */
  async kill(): Promise<string[]> {
    this.#child.kill("SIGKILL");
    const rest: string[] = [];
    for (let line = await this.nextLine(); line !== undefined; line = await this.nextLine()) rest.push(line);
    await this.#child.stdin.close();
    await this.#child.status;
    this.#reader.close();
    return rest;
  }
}
