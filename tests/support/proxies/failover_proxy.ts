/** A load balancer in TCP mode: each connection goes to the first of its ports that accepts it. */
export class FailoverProxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #ports: readonly number[];
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<void>;

  constructor({ port, to }: { port: number; to: readonly number[] }) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#ports = to;
    this.#done = this.#serve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const end of this.#open) this.#end(end);
    await this.#done;
  }

  async #serve(): Promise<void> {
    const passing: Promise<void>[] = [];
    for await (const client of this.#listener) {
      this.#open.add(client);
      passing.push(this.#pass(client).finally(() => this.#end(client)));
    }
    await Promise.all(passing);
  }

  async #pass(client: Deno.TcpConn): Promise<void> {
    const server = await this.#connect();
    if (server === undefined) return;
    this.#open.add(server);
    const ended = () => {
      this.#end(client);
      this.#end(server);
    };
    await Promise.all([copy(client, server).finally(ended), copy(server, client).finally(ended)]);
  }

  async #connect(): Promise<Deno.TcpConn | undefined> {
    for (const port of this.#ports) {
      try {
        return await Deno.connect({ hostname: "127.0.0.1", port });
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      }
    }
    return undefined;
  }

  #end(connection: Deno.TcpConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}

/** Copies until either side ends. */
async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
    }
  } catch {
    // The other direction has ended it.
  }
}
