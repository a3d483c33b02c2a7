import { ChatError } from "../../core/chat_error.ts";
import { mayStartItself, servingCommand, type ServingNeeds } from "../../host/supervisor/serving_command.ts";
import { ServingProcess } from "../../host/supervisor/supervisor.ts";

/** How long a program may take to end when it is told to, in milliseconds. */
const stopMs = 10_000;
const removals = 50;

/** This program in another process. It ends when it is disposed of, or with this process. */
export interface StartedProgram extends AsyncDisposable {
  readonly pid: number;
  /** The port that it listens on. */
  readonly port: number;
  /** Rejects when the process ends before it is disposed of. */
  readonly failed: Promise<never>;
}

/** The processes and folders of a bench. Disposing of it ends and removes all of them, even after a failure. */
export class OwnedResources implements AsyncDisposable {
  readonly #parent: string | undefined;
  readonly #programs = new Set<ServingProcess>();
  readonly #others = new AsyncDisposableStack();
  #root: Promise<string> | undefined;
  #folders = 0;
  #disposed = false;

  /** @param parent the parent of all folders; the system's temporary folder unless given */
  constructor(parent?: string) {
    this.#parent = parent;
  }

  /**
   * Returns the path of a new folder, which the caller makes.
   * @throws {ChatError} `invalid_argument` when the parent is not writable
   */
  async folder(): Promise<string> {
    this.#requireOpen();
    this.#root ??= makeRoot(this.#parent);
    return `${await this.#root}/${++this.#folders}`;
  }

  /**
   * Starts a command of chatd that uses a `SupervisorLink`. It gets no CHATD_ variables: those of the bench are meant for
   * other servers.
   * @throws {ChatError} `unavailable` when it ends before it listens, after it wrote the reason to stderr
   */
  async startProgram(args: readonly string[], needs: ServingNeeds): Promise<StartedProgram> {
    if (!mayStartItself()) {
      throw new ChatError(
        "permission_denied",
        `Deno does not let chatd start servers to measure: add --allow-run=${Deno.execPath()}.`,
      );
    }
    this.#requireOpen();
    const command = { ...servingCommand(args, needs), env: otherVariables() };
    const child = new ServingProcess(command, { listen: { port: 0, again: false } });
    this.#programs.add(child);
    void child.status.then(() => this.#programs.delete(child));
    const listening = await child.listening;
    if (listening === undefined) {
      const { code } = await child.status;
      throw new ChatError("unavailable", `"chatd ${args[0]}" ended with ${code} before it served.`);
    }
    const stopped = Promise.withResolvers<void>();
    const failed = Promise.race([child.status, stopped.promise]).then((status) => {
      if (status === undefined) return new Promise<never>(() => {});
      const { signal, code } = status;
      throw new ChatError("unavailable", `"chatd ${args[0]}" died (${signal ?? code}) while it was measured.`);
    });
    failed.catch(() => {});
    const dispose = async () => {
      stopped.resolve();
      await stop(child);
    };
    return { pid: child.pid, port: listening.port, failed, [Symbol.asyncDispose]: dispose };
  }

  /** Adds a resource to dispose of at the end. */
  use<Thing extends AsyncDisposable>(thing: Thing): Thing {
    return this.#others.use(thing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const programs = [...this.#programs];
    for (const child of programs) child.kill();
    await Promise.all(programs.map(({ status }) => status));
    await this.#others.disposeAsync();
    const root = await this.#root?.catch(() => undefined);
    if (root !== undefined) await removeAll(root);
  }

  /** @throws {ChatError} `unavailable` once the bench is disposed of, for work that still runs after an interruption */
  #requireOpen(): void {
    if (this.#disposed) throw new ChatError("unavailable", "The bench has ended.");
  }
}

async function makeRoot(parent: string | undefined): Promise<string> {
  try {
    return await Deno.makeTempDir({ prefix: "chatd-bench-", dir: parent });
  } catch (cause) {
    const what = parent === undefined ? "a temporary folder" : `a folder in "${parent}" (--folder)`;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("invalid_argument", `Cannot create ${what}: ${why}`, { cause });
  }
}

/** Removes a folder, even while interrupted work still writes to it. */
async function removeAll(folder: string): Promise<void> {
  for (let left = removals;; left--) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (left <= 1) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function stop(child: ServingProcess): Promise<void> {
  child.order({ stop: "the bench is done" });
  const timer = setTimeout(() => child.kill(), stopMs);
  await child.status.finally(() => clearTimeout(timer));
}

function otherVariables(): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  return Object.fromEntries(all.filter(([name]) => !name.startsWith("CHATD_")));
}
