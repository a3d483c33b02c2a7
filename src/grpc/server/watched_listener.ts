import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { ChatError } from "../../core/chat_error.ts";
import { listenReason } from "../../core/system_error.ts";
import type { Log } from "../../core/log.ts";

export interface WatchedListenerOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  log: Log;
  /** Takes charge of a connection. */
  onConnection(socket: Socket): void;
  /**
   * Time without a connection before the listener is tested, and duration of the test, in milliseconds; 5 000 unless
   * given.
   */
  testMs?: number;
}

/**
 * A listener that recovers from a lack of file descriptors. With Deno 2.9.3, a listener of `node:net` that failed to
 * accept one connection for lack of a descriptor never accepts another, and reports nothing. After a while without
 * connections, the listener is therefore tested by a connection from this process, and reopened on the same port when
 * that is not accepted.
 */
export class WatchedListener {
  /** The port in use. */
  readonly port: number;
  readonly #options: WatchedListenerOptions;
  readonly #testMs: number;
  #server: Server;
  #timer: ReturnType<typeof setInterval> | undefined;
  #hadConnection = true;
  #test: Socket | undefined;
  /** Consecutive tests that failed: a single failure may only mean a busy process. */
  #missed = 0;

  private constructor(server: Server, options: WatchedListenerOptions) {
    this.#options = options;
    this.#server = server;
    this.#testMs = options.testMs ?? 5_000;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", this.#onConnection);
    this.#timer = setInterval(() => this.#watch(), this.#testMs);
  }

  /** Starts listening. @throws {ChatError} `unavailable` when it cannot listen on the address; `permission_denied` */
  static async open(options: WatchedListenerOptions): Promise<WatchedListener> {
    return new WatchedListener(await listen(options), options);
  }

  get isListening(): boolean {
    return this.#timer !== undefined && this.#server.listening;
  }

  /** Stops accepting, and resolves when no connection is open. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#test?.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  readonly #onConnection = (socket: Socket): void => {
    this.#hadConnection = true;
    const test = this.#test;
    if (!test?.connecting) return this.#dispatch(socket, test);
    // The test connection does not know its port yet.
    socket.on("error", () => socket.destroy());
    const dispatch = () => {
      test.off("connect", dispatch).off("close", dispatch);
      this.#dispatch(socket, test);
    };
    test.on("connect", dispatch).on("close", dispatch);
  };

  #dispatch(socket: Socket, test: Socket | undefined): void {
    if (test !== undefined && socket.remotePort === test.localPort) socket.destroy();
    else if (!socket.destroyed) this.#options.onConnection(socket);
  }

  #watch(): void {
    this.#missed = this.#test !== undefined && !this.#hadConnection ? this.#missed + 1 : 0;
    this.#test?.destroy();
    this.#test = undefined;
    if (this.#missed >= 2) void this.#reopen();
    else if (!this.#hadConnection) this.#test = this.#openTest();
    this.#hadConnection = false;
  }

  #openTest(): Socket | undefined {
    const { host } = this.#options;
    const own = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
    try {
      const test = connect(this.port, own);
      // Each connection that arrives meanwhile listens to it.
      test.setMaxListeners(0);
      test.on("error", (error: Error & { code?: string }) => {
        // A test that cannot reach the listener from here proves nothing about it.
        if (!["EMFILE", "ENFILE", "ECONNREFUSED"].includes(error.code ?? "")) this.#hadConnection = true;
      });
      return test;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) return undefined;
      throw error;
    }
  }

  async #reopen(): Promise<void> {
    const { log } = this.#options;
    this.#server.close();
    try {
      const server = await listen({ ...this.#options, port: this.port });
      server.on("connection", this.#onConnection);
      this.#server = server;
      if (this.#timer === undefined) server.close();
      log.error("listening again: no more connections were accepted, probably for lack of file descriptors");
    } catch (cause) {
      log.error("cannot listen again", { cause });
    }
  }
}

function listen({ host, port }: { host: string; port: number }): Promise<Server> {
  const server = createServer({ noDelay: true, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    server.on("error", (cause) => {
      const code = (cause as { code?: string }).code === "EACCES" ? "permission_denied" : "unavailable";
      reject(new ChatError(code, `Cannot listen on ${host} port ${port}: ${listenReason(cause)}.`, { cause }));
    });
    server.listen(port, host, () => resolve(server));
  });
}
