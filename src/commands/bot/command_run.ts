import { systemTimers } from "../../client/timers.ts";
import { ChatError } from "../../core/chat_error.ts";

export interface CommandRun {
  /** A program and its arguments; no shell interprets them. */
  readonly command: readonly string[];
  /** Written to the command's stdin. */
  readonly input: string;
  /** Added to the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Maximum size of the output; the rest is dropped. */
  readonly maxBytes: number;
  /** Ends the command when aborted. */
  readonly signal: AbortSignal;
}

export interface CommandOutcome {
  /** The output without trailing line breaks. */
  readonly text: string;
  /** The reason why there is no output or, with a text, why it is incomplete. */
  readonly problem?: string;
}

/** Time between SIGTERM and SIGKILL, in milliseconds. */
const graceMs = 2_000;
/** How long child processes of an ended program may keep its stdout open, in milliseconds. */
const leftoverMs = 1_000;

/**
 * Runs a program in its own process group and waits for its end; it shares stderr.
 * @throws {ChatError} if it cannot be started
 */
export async function runCommand(run: CommandRun): Promise<CommandOutcome> {
  const child = start(run);
  const end = (signal: Deno.Signal) => killGroup(child, signal);
  let ending: ReturnType<typeof setTimeout> | undefined;
  let leaving: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    end("SIGTERM");
    ending ??= setTimeout(() => end("SIGKILL"), graceMs);
  };
  let timedOut = false;
  const cancel = systemTimers.after(run.timeoutMs, () => {
    timedOut = true;
    stop();
  });
  run.signal.addEventListener("abort", stop);
  if (run.signal.aborted) stop();
  const writing = write(child.stdin, run.input);
  const output = new BoundedOutput(child.stdout, run.maxBytes);
  try {
    const { success, code, signal } = await child.status;
    leaving = setTimeout(() => void output.cancel(), leftoverMs);
    await output.read;
    await output.cancel();
    await writing;
    if (timedOut) return { text: "", problem: `did not end within ${run.timeoutMs / 1000} s` };
    if (!success) return { text: "", problem: `exited with ${signal ?? code}` };
    const problem = output.wasCut ? `printed more than ${run.maxBytes} bytes: the rest is dropped` : undefined;
    return { text: output.text.replace(/[\r\n]+$/, ""), problem };
  } finally {
    cancel();
    clearTimeout(ending);
    clearTimeout(leaving);
    run.signal.removeEventListener("abort", stop);
  }
}

function start({ command: [program, ...args], env }: CommandRun): Deno.ChildProcess {
  try {
    const options = { args, env, stdin: "piped", stdout: "piped", stderr: "inherit", detached: true } as const;
    return new Deno.Command(program, options).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new ChatError(
        "permission_denied",
        `Deno does not let chatd run "${program}": start it with --allow-run="${program}" as well.`,
        { cause },
      );
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ChatError("invalid_argument", `Cannot run "${program}": ${why}.`, { cause });
  }
}

/** Signals the program's process group, or the program alone if there is no such group. */
function killGroup(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    Deno.kill(-child.pid, signal);
  } catch {
    try {
      child.kill(signal);
    } catch {
      // The program has already ended.
    }
  }
}

async function write(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The program does not read its stdin to the end.
    await writer.abort().catch(() => {});
  }
}

class BoundedOutput {
  /** Resolves at the end of the output. */
  readonly read: Promise<void>;
  wasCut = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(stream: ReadableStream<Uint8Array>, maxBytes: number) {
    this.#reader = stream.getReader();
    this.#bytes = new Uint8Array(maxBytes);
    this.read = this.#read();
  }

  /** The output up to the limit, without a partial character at its end. */
  get text(): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#bytes.subarray(0, this.#length), {
      stream: this.wasCut,
    });
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.read;
  }

  async #read(): Promise<void> {
    try {
      for (let { value, done } = await this.#reader.read(); !done; { value, done } = await this.#reader.read()) {
        const part = value!.subarray(0, this.#bytes.length - this.#length);
        this.#bytes.set(part, this.#length);
        this.#length += part.length;
        this.wasCut ||= part.length < value!.length;
      }
    } catch {
      // The pipe broke with the program.
    }
  }
}
