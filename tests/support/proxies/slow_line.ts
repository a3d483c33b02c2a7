/** A line between clients and a port of this machine that takes its time each way, like one to another continent. */
export class SlowLine implements Line {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #delayMs: number;
  readonly #open = new Set<Deno.Conn>();
  readonly #over = new AbortController();
  readonly #done: Promise<unknown>;

  constructor(port: number, { delayMs }: { delayMs: number }) {
    this.#delayMs = delayMs;
    this.#done = this.#serve(port);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    this.#listener.close();
    for (const end of this.#open) this.#end(end);
    await this.#done;
  }

  async #serve(port: number): Promise<void> {
    const passing: Promise<void>[] = [];
    for await (const client of this.#listener) {
      this.#open.add(client);
      passing.push(this.#connect(client, port));
    }
    await Promise.all(passing);
  }

  async #connect(client: Deno.Conn, port: number): Promise<void> {
    try {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      this.#open.add(far);
      for (const end of [client, far] as Deno.TcpConn[]) end.setNoDelay();
      await Promise.all([this.#pass(client, far), this.#pass(far, client)]);
    } catch {
      // The server is down: so is the line.
      this.#end(client);
    }
  }

  /** Passes bytes on in their order, each after the delay, however many follow it meanwhile. */
  async #pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    let written = Promise.resolve();
    const buffer = new Uint8Array(16_384);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        const bytes = buffer.slice(0, count);
        const due = this.#delay();
        written = Promise.all([written, due]).then(() => writeAll(to, bytes));
        written.catch(() => {});
      }
      await Promise.all([written, this.#delay()]);
    } catch {
      // The other way has ended it.
    }
    this.#end(from);
    this.#end(to);
  }

  #delay(): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#delayMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }

  #end(end: Deno.Conn): void {
    if (this.#open.delete(end)) end.close();
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

/** The delay of the lines that tests ask for, in milliseconds; 0 for none. */
let delayMs = 0;

/** Returns the delay that {@link slowDownLines} set, each way, in milliseconds; 0 for none. */
export function lineDelayMs(): number {
  return delayMs;
}

/** From now on, {@link lineTo} delays everything, each way. */
export function slowDownLines(milliseconds: number): void {
  delayMs = milliseconds;
}

/** A way from clients under test to a server. */
export interface Line extends AsyncDisposable {
  /** The port that clients connect to. */
  readonly port: number;
}

/** Returns the server's port itself, or a {@link SlowLine} to it in tests of slow lines. */
export function lineTo(port: number): Line {
  if (delayMs > 0) return new SlowLine(port, { delayMs });
  return { port, [Symbol.asyncDispose]: () => Promise.resolve() };
}
