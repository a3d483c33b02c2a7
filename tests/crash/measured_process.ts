import { fileURLToPath } from "node:url";
import { serverV8Flags } from "../../src/host/supervisor/serving_command.ts";
import type { KeyPair } from "./certificates.ts";
import type { MeasuredServerOptions, MeasuredServers } from "./measured_server.ts";
import type { Memory } from "./memory.ts";

/** Code that was not used between two measurements stays: to compile it again would look like a leak. */
const v8Flags = `--expose-gc,--no-flush-bytecode,${serverV8Flags}`;
const script = fileURLToPath(new URL("./measured_server.ts", import.meta.url));

/** The process of `measured_server.ts`, on a data folder of its own. */
export class MeasuredProcess implements AsyncDisposable {
  readonly servers: MeasuredServers;
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    servers: MeasuredServers,
    { folder, child, lines }: { folder: string; child: Deno.ChildProcess; lines: AsyncIterator<string> },
  ) {
    this.servers = servers;
    this.#folder = folder;
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#lines = lines;
  }

  static async start({ identity, users }: { identity: KeyPair; users: number }): Promise<MeasuredProcess> {
    const folder = await Deno.makeTempDir({ prefix: "chatd-measured-" });
    const options: MeasuredServerOptions = { folder: `${folder}/data`, users, identity };
    const flags = ["--quiet", "--no-check", "-A", `--v8-flags=${v8Flags}`];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, script, JSON.stringify(options)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const lines = readLines(child.stdout);
    return new MeasuredProcess(await nextLine(lines), { folder, child, lines });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Returns the memory once no more than `open` connections are open and the garbage is collected. */
  async memory({ open = 0 } = {}): Promise<Memory> {
    await this.#input.write(new TextEncoder().encode(`${open}\n`));
    return await nextLine(this.#lines);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#lines.return!();
    await this.#child.status;
    await this.#input.close().catch(() => {});
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** @throws {Error} when the process ended instead */
async function nextLine<Value>(lines: AsyncIterator<string>): Promise<Value> {
  const { value, done } = await lines.next();
  if (done) throw new Error("The measured server has ended.");
  return JSON.parse(value) as Value;
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
