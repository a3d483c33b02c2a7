import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A way to a server on 127.0.0.1 that can lose all packets without a word, both ways, and carry them again. */
export class Network implements AsyncDisposable {
  readonly port: number;
  readonly #listener: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  #frozen = false;

  private constructor(listener: Server) {
    this.#listener = listener;
    this.port = (listener.address() as AddressInfo).port;
  }

  /** Connections to `network.port` go to `port`. */
  static async to(port: number): Promise<Network> {
    const listener = createServer((socket) => network.#carry(socket, connect(port, "127.0.0.1")));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", () => resolve()));
    const network = new Network(listener);
    return network;
  }

  /** From now on nothing arrives, and nobody is told. Connections made now stay silent for ever. */
  freeze(): void {
    this.#frozen = true;
  }

  /** New connections are carried again; those from before have lost too much. */
  thaw(): void {
    this.#frozen = false;
  }

  #carry(near: Socket, far: Socket): void {
    const pair: [Socket, Socket] = [near, far];
    this.#pairs.add(pair);
    let lost = false;
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on("data", (bytes) => {
        lost ||= this.#frozen;
        if (!lost) to.write(bytes);
      });
      from.on("error", () => from.destroy());
      from.on("close", () => {
        lost ||= this.#frozen;
        if (!lost) to.destroy();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()));
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await closed;
  }
}
