/** Reads which processes there are, a line for each change; "done" ends it. Without that, it kills them, and removes the folder. */
const script = `
folder=$1
while read -r line; do
  [ "$line" = done ] && exit
  pids=$line
done
[ -n "$pids" ] && kill -KILL $pids
tries=0
while [ -n "$pids" ] && [ $tries -lt 50 ] && kill -0 $pids; do sleep 0.1; tries=$((tries + 1)); done
rm -rf -- "$folder"
`;

/** A small process that outlives this one, however it ends, and then kills what it watches and removes a folder. */
export class ProcessGuard {
  readonly #shell: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #written: Promise<void> = Promise.resolve();

  /** `folder` is removed, with what is in it, when this process ends before {@link end}. */
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

  /** From now on these, and no others. */
  watch(pids: readonly number[]): void {
    this.#write(pids.join(" "));
  }

  /** Ends without doing anything. */
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
