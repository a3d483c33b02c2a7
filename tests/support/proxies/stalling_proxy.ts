/** Passes bytes to and from a port of this machine; what clients say can be held back. */
export class StallingProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #done: Promise<unknown>;
  #resumed = Promise.resolve();
  #resume = () => {};

  constructor(port: number) {
    this.#done = this.#serve(port);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Nothing that clients say passes until {@link resume}. */
  stall(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resumed = promise;
    this.#resume = resolve;
  }

  resume(): void {
    this.#resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    this.#listener.close();
    for (const end of this.#open) this.#end(end);
    await this.#done;
  }

  async #serve(port: number): Promise<void> {
    const passing: Promise<void>[] = [];
    for await (const client of this.#listener) {
      const far = await Deno.connect({ hostname: "127.0.0.1", port });
      far.setNoDelay();
      client.setNoDelay();
      this.#open.add(client).add(far);
      passing.push(this.#pass(client, far, () => this.#resumed), this.#pass(far, client, () => Promise.resolve()));
    }
    await Promise.all(passing);
  }

  async #pass(from: Deno.Conn, to: Deno.Conn, mayPass: () => Promise<void>): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        await mayPass();
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
    } catch {
      // The other way has ended it.
    }
    this.#end(from);
    this.#end(to);
  }

  #end(end: Deno.Conn): void {
    if (this.#open.delete(end)) end.close();
  }
}
