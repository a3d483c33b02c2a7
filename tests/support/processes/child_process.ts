import { fileURLToPath } from "node:url";
import { startDeadlineMs } from "../waiting/deadlines.ts";

const entry = fileURLToPath(new URL("../../../main.ts", import.meta.url));

export interface ChildOptions {
  /** A command of chatd and its arguments. */
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** The path of the `deno` that runs it; the one of the tests unless given. */
  deno?: string;
}

/** A chatd process that runs beside the test until its disposal, which kills it. */
export class Child implements AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  /** All lines of stdout and stderr so far. */
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: Promise<unknown>;

  constructor({ args, env = {}, deno = Deno.execPath() }: ChildOptions) {
    this.#child = new Deno.Command(deno, {
      args: ["run", "--quiet", "--no-prompt", "--no-check", "--cached-only", "-A", entry, ...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.status = this.#child.status;
    this.#input = this.#child.stdin.getWriter();
    this.#output = Promise.all([this.#child.stdout, this.#child.stderr].map((stream) => this.#read(stream)));
  }

  async write(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  async endInput(): Promise<void> {
    await this.#input.close();
  }

  /** Resolves when a line matches. @throws {Error} with what was written when the process ends before, or takes too long. */
  async line(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + startDeadlineMs;
    let ended = false;
    void this.#output.then(() => ended = true);
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (ended || performance.now() > deadline) throw new Error(`no line ${pattern} in:\n${this.lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await Promise.all([this.status, this.#output]);
    await this.#input.close().catch(() => {});
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.lines.push(...lines);
    }
    if (rest !== "") this.lines.push(rest);
  }
}

/** TCP sockets of a process, as Linux counts them: how many listen, and where the others lead. */
export function socketsOf(pid: number): { listening: number; connectedTo: number[] } {
  const inodes = new Set(
    [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
      try {
        return [/^socket:\[(\d+)\]$/.exec(Deno.readLinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? ""];
      } catch {
        return [];
      }
    }),
  );
  const sockets = ["tcp", "tcp6"].flatMap((table) =>
    Deno.readTextFileSync(`/proc/${pid}/net/${table}`).split("\n").slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9]))
  );
  return {
    listening: sockets.filter(([, , , state]) => state === "0A").length,
    connectedTo: sockets.filter(([, , , state]) => state === "01")
      .map(([, , remote]) => Number.parseInt(remote.split(":")[1], 16)),
  };
}
