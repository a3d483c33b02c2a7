/**
 * Reads lines of process ids, each replacing the line before; a negative one is a process group, as in kill(2). At "done"
 * it ends; at the end of input it kills the processes and removes the folder.
 */
const script = `
folder=$1
while read -r line; do
  [ "$line" = done ] && exit
  pids=$line
done
alive() { for pid in $pids; do kill -0 $pid && return; done; return 1; }
for pid in $pids; do kill -KILL $pid; done
tries=0
while [ $tries -lt 50 ] && alive; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$folder"
`;

/**
 * A small process that outlives this one, kills the watched processes when this one ends in any way, and removes a
 * folder.
 */
export class ProcessGuard {
  readonly #shell: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #written: Promise<void> = Promise.resolve();

  /** @param folder removed with its contents when this process ends before {@link end} */
  constructor(folder: string) {
    this.#shell = new Deno.Command("/bin/sh", {
      args: ["-c", script, "guard", folder],
      detached: true,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#input = this.#shell.stdin.getWriter();
  }

  /**
   * Replaces the watched processes; resolves when the guard has been told.
   * @param pids a negative one stands for all processes of that process group
   */
  async watch(pids: readonly number[]): Promise<void> {
    this.#write(pids.join(" "));
    await this.#written;
  }

  /** Ends the guard; it kills and removes nothing. */
  async end(): Promise<void> {
    this.#write("done");
    await this.#written;
    await this.#input.close();
    await this.#shell.status;
  }

  #write(line: string): void {
    this.#written = this.#input.write(new TextEncoder().encode(`${line}\n`));
  }
}
