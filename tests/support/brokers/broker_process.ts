import { startDeadlineMs } from "../waiting/deadlines.ts";

/** Starts a program in a process group of its own, so that Ctrl-C reaches the tests alone, which then end the program. */
export function spawnDetached(program: string, { args = [], ...options }: Deno.CommandOptions): Deno.ChildProcess {
  return new Deno.Command(program, { args, clearEnv: true, detached: true, stdin: "null", ...options }).spawn();
}

/** A process of RabbitMQ, from its start to its end. */
export class BrokerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  #text = "";

  constructor(server: string, env: Record<string, string>) {
    this.#child = spawnDetached(server, { env, stdout: "piped", stderr: "piped" });
    this.#ready.promise.catch(() => {});
    this.#output = Promise.all([this.#child.stdout, this.#child.stderr].map((stream) => this.#read(stream)));
    void this.#output.then(() => this.#fail("ended before it served"));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when the broker serves. @throws {Error} with its output when it ends or takes too long */
  async ready(): Promise<void> {
    const timer = setTimeout(() => this.#fail(`did not serve within ${startDeadlineMs} ms`), startDeadlineMs);
    await this.#ready.promise.finally(() => clearTimeout(timer));
  }

  /** Sends a signal; a process that has ended gets none. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Resolves when the process has ended and its output is read. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    await this.#output;
    return status;
  }

  #fail(why: string): void {
    this.#ready.reject(new Error(`The private RabbitMQ ${why}:\n${this.#text}`));
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#text = (this.#text + text).slice(-20_000);
      if (/completed with \d+ plugins/.test(this.#text)) this.#ready.resolve();
    }
  }
}
