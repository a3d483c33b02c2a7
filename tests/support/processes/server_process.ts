import { fileURLToPath } from "node:url";
import { startDeadlineMs } from "../waiting/deadlines.ts";
import { outputLines } from "./output_lines.ts";

const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));

export interface ServerProcessOptions {
  /** The data folder; it stays when the process goes. */
  folder: string;
  /** 0 lets the system choose. */
  port?: number;
  /** Whether the process starts and watches another one that serves; off unless given. */
  supervise?: boolean;
  /** More arguments for `chatd grpc-server`. */
  args?: readonly string[];
  /** Variables in addition to the environment of the tests. */
  env?: Readonly<Record<string, string>>;
  /** The program that Deno runs; `main.ts` of chatd unless given. */
  program?: string;
  /** Deno's flags; all permissions unless given. */
  flags?: readonly string[];
  /** Whether stderr is left unread until `readStderr()`. */
  holdStderr?: boolean;
}

/** A `chatd grpc-server` in a process of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #folder: string;
  /** Output so far: all of stdout, the end of stderr (all of it with `holdStderr`). Complete when {@link ended} resolves. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Reads stderr from now on. */
  readonly readStderr: () => void;

  private constructor(
    child: Deno.ChildProcess,
    { folder, port, stdout, stderr, output, readStderr }: {
      folder: string;
      port: number;
      stdout: string[];
      stderr: string[];
      output: Promise<unknown>;
      readStderr(): void;
    },
  ) {
    this.#child = child;
    this.#folder = folder;
    this.pid = child.pid;
    this.port = port;
    this.stdout = stdout;
    this.stderr = stderr;
    this.status = child.status;
    this.#output = output;
    this.readStderr = readStderr;
  }

  /** Resolves when the server listens. @throws {Error} with its output when it ends or takes too long */
  static async start(
    {
      folder,
      port = 0,
      supervise = false,
      args = [],
      env = {},
      program = main,
      flags = ["-A"],
      holdStderr = false,
    }: ServerProcessOptions,
  ): Promise<ServerProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        ...flags,
        program,
        "grpc-server",
        "--listen",
        `127.0.0.1:${port}`,
        "--data",
        folder,
        supervise ? "--supervise" : "--no-supervise",
        ...args,
      ],
      env: { ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout: string[] = [];
    const stderr: string[] = [];
    const listens = Promise.withResolvers<number>();
    const reading = Promise.withResolvers<void>();
    const readStderr = () => reading.resolve();
    if (!holdStderr) readStderr();
    const output = Promise.all([
      readLines(child.stdout, (line) => {
        stdout.push(line);
        const [, found] = /listens on \S*:(\d+)/.exec(line) ?? [];
        if (found !== undefined) listens.resolve(Number(found));
      }),
      reading.promise.then(() =>
        readLines(child.stderr, (line) => {
          stderr.push(line);
          if (stderr.length > 200 && !holdStderr) stderr.shift();
        })
      ),
    ]);
    const fail = (why: string) => listens.reject(new Error(`the server ${why}:\n${[...stdout, ...stderr].join("\n")}`));
    void output.then(() => fail("ended before it listened"));
    const timer = setTimeout(() => fail("did not listen in time"), startDeadlineMs);
    try {
      return new ServerProcess(child, { folder, port: await listens.promise, stdout, stderr, output, readStderr });
    } catch (error) {
      child.kill("SIGKILL");
      await child.status;
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Returns the id of the process that owns the data folder: a different one from `pid` with a supervisor. */
  servingPid(): number {
    return Number.parseInt(Deno.readTextFileSync(`${this.#folder}/chatd.lock`));
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Resolves when the process and its children have ended, and all of their output was read. */
  async ended(): Promise<Deno.CommandStatus> {
    await this.#output;
    return await this.status;
  }

  /** Kills the process unless it has ended, and waits for its children. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.readStderr();
    this.#continueServing();
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await Promise.all([this.status, this.#output]);
  }

  /** Lets a serving process go on that a test froze: without its supervisor, it ends by itself. */
  #continueServing(): void {
    try {
      Deno.kill(this.servingPid(), "SIGCONT");
    } catch {
      // It is not there any more, or wrote no id.
    }
  }
}

async function readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (line: string) => void): Promise<void> {
  for await (const line of outputLines(stream)) take(line);
}
