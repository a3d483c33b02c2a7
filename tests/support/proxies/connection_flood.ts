import { connect, type Socket } from "node:net";

export interface ConnectionFloodOptions {
  readonly port: number;
  /** Addresses of this machine from which it comes. */
  readonly addresses: readonly string[];
  /** Connections of each address at once: each is opened again as soon as it is closed. */
  readonly connections: number;
  /** What becomes of a connection that is open: reset at once, or held until the server closes it. */
  readonly then: "reset" | "hold";
  /** Connections that are reset are opened again from the same port. */
  readonly samePort?: boolean;
}

/** Strangers who open connections as fast as they can, and say nothing over them. */
export class ConnectionFlood {
  /** Connections that were open, and are not. */
  closed = 0;
  readonly #options: ConnectionFloodOptions;
  readonly #sockets = new Set<Socket>();
  #isStopped = false;

  constructor(options: ConnectionFloodOptions) {
    this.#options = options;
    for (const address of options.addresses) {
      for (let count = 0; count < options.connections; count++) this.#open(address);
    }
  }

  /** Resolves when its connections are closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const closing = [...this.#sockets].map((socket) => {
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.destroy();
      return closed;
    });
    await Promise.all(closing);
  }

  #open(localAddress: string, localPort?: number): void {
    const { port, then, samePort } = this.#options;
    const socket = connect({ port, host: "127.0.0.1", localAddress, localPort });
    let ownPort: number | undefined;
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
    socket.once("connect", () => {
      if (samePort) ownPort = socket.localPort;
      if (then === "reset") socket.resetAndDestroy();
    });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.closed++;
      if (!this.#isStopped) this.#open(localAddress, ownPort);
    });
  }
}
