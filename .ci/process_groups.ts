import { ProcessGuard } from "../src/host/process_guard.ts";

/**
 * Processes that this program starts, each with a process group of its own. All processes of a group end with
 * {@link end}, and those of all groups when this program ends in any way, SIGKILL included.
 */
export class ProcessGroups implements AsyncDisposable {
  /** For temporary files; gone when this program has ended. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "chatd-tests-" });
  readonly #guard = new ProcessGuard(this.folder);
  readonly #leaders = new Set<number>();

  /** Starts a process; resolves when its end is sure. */
  async spawn(program: string, options: Deno.CommandOptions): Promise<Deno.ChildProcess> {
    const child = new Deno.Command(program, { ...options, detached: true }).spawn();
    this.#leaders.add(child.pid);
    await this.#watch();
    return child;
  }

  /** Kills the process and all others of its group that have not ended. */
  end({ pid }: Deno.ChildProcess): void {
    this.#kill(pid);
    this.#leaders.delete(pid);
    void this.#watch();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const leader of this.#leaders) this.#kill(leader);
    await this.#guard.end();
    await Deno.remove(this.folder, { recursive: true });
  }

  #kill(leader: number): void {
    try {
      Deno.kill(-leader, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #watch(): Promise<void> {
    await this.#guard.watch([...this.#leaders].map((leader) => -leader));
  }
}
