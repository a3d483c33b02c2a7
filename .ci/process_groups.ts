import { ProcessGuard } from "../src/host/process_guard.ts";

/**
 * Processes that this program starts, each the leader of a process group of its own. All others of a group end with its
 * leader, and all groups end with this program, whatever ends it: SIGKILL, too.
 */
export class ProcessGroups implements AsyncDisposable {
  /** For temporary files; gone when this program has ended. */
  readonly folder: string = Deno.makeTempDirSync({ prefix: "chatd-tests-" });
  readonly #guard = new ProcessGuard(this.folder);
  /** By the process ids of the leaders: resolves when the group has ended. */
  readonly #groups = new Map<number, Promise<void>>();

  /** Starts a process; resolves when the guard knows of it. */
  async spawn(program: string, options: Deno.CommandOptions): Promise<Deno.ChildProcess> {
    const child = new Deno.Command(program, { ...options, detached: true }).spawn();
    this.#groups.set(child.pid, this.#follow(child));
    await this.#watch();
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const leader of this.#groups.keys()) killGroup(leader);
    await Promise.all(this.#groups.values());
    await this.#guard.end();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #follow({ pid, status }: Deno.ChildProcess): Promise<void> {
    await status;
    killGroup(pid);
    this.#groups.delete(pid);
    await this.#watch();
  }

  async #watch(): Promise<void> {
    await this.#guard.watch([...this.#groups.keys()].map((leader) => -leader));
  }
}

/** Kills all processes of a group, if there are any. */
export function killGroup(leader: number): void {
  try {
    Deno.kill(-leader, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
