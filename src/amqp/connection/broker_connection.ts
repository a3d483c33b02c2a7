import type { Socket } from "node:net";
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { ChatError } from "../../core/chat_error.ts";
import type { BrokerAddress, BrokerLogin } from "./broker_address.ts";
import { mapChannelErrors, toChannelError, toConnectError, toLostError } from "./broker_errors.ts";
import { type FrameReader, tolerateHeaders } from "./header_frames.ts";

/** Time for TCP, TLS and the AMQP handshake together, in milliseconds; RabbitMQ itself may wait 15 s for chatd. */
const openDeadlineMs = 18_000;
/** Time for the broker to confirm the closing, in milliseconds. */
const closeDeadlineMs = 2_000;
/** Interval in seconds; a peer that is silent for two to three intervals is considered lost. */
const heartbeat = 10;

export interface OpenBrokerOptions {
  readonly broker: BrokerAddress;
  readonly login: BrokerLogin;
  /** PEM certificates that replace the system's roots. */
  readonly ca?: string;
  /** Name of this connection in the broker's lists. */
  readonly name: string;
  readonly signal?: AbortSignal;
  /**
   * Called when the broker blocks the connection for lack of memory or disk, and with undefined when it unblocks it.
   * The broker blocks a connection when it publishes.
   */
  onBlocked?(reason: string | undefined): void;
}

/** One connection to a broker. Closed by its opener. */
export class BrokerConnection implements AsyncDisposable {
  readonly broker: BrokerAddress;
  readonly user: string;
  /** Resolves when the connection has ended, by this side, the broker or the network. */
  readonly lost: Promise<ChatError>;
  readonly #model: ChannelModel;
  #isOpen = true;
  #isBlocked = false;
  #closing: Promise<void> | undefined;

  private constructor(model: ChannelModel, { broker, login, onBlocked }: OpenBrokerOptions) {
    this.#model = model;
    this.broker = broker;
    this.user = login.user;
    const lost = Promise.withResolvers<ChatError>();
    this.lost = lost.promise;
    writeOncePerTurn(this.#socket);
    tolerateHeaders(model.connection as unknown as FrameReader);
    model.on("blocked", (reason) => {
      this.#isBlocked = true;
      onBlocked?.(reason);
    });
    model.on("unblocked", () => {
      this.#isBlocked = false;
      onBlocked?.(undefined);
    });
    let failure: unknown;
    // Without a listener, an error would end the process; "close" follows it.
    model.on("error", (error) => failure = error);
    model.on("close", (error) => {
      this.#isOpen = false;
      // amqplib only ends its side, which a frozen broker never answers.
      if (failure !== undefined) this.#socket.destroy();
      lost.resolve(toLostError(failure ?? error, broker));
    });
  }

  /**
   * Connects and logs in.
   * @throws {ChatError} see `toConnectError`; after an abort, with the socket destroyed
   */
  static async open(options: OpenBrokerOptions): Promise<BrokerConnection> {
    const { broker, login, signal } = options;
    if (signal?.aborted) throw connectCancelled();
    // The socket keeps its signal, but `signal` may abort after the attempt.
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const connection = new BrokerConnection(await connectModel(options, attempt.signal), options);
      if (!attempt.signal.aborted) return connection;
      await connection.close();
    } catch (error) {
      if (!attempt.signal.aborted) throw toConnectError(error, broker, login.user);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
    throw connectCancelled();
  }

  /** Largest frame that the broker accepts, in bytes; 0 for no limit. */
  get frameMax(): number {
    return (this.#model.connection as unknown as { frameMax: number }).frameMax;
  }

  /** Whether the broker has blocked this connection for lack of memory or disk. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  get isOpen(): boolean {
    return this.#isOpen && this.#closing === undefined;
  }

  /** Name and version that the broker reports: "RabbitMQ 3.10.8". */
  get product(): string {
    const { serverProperties = {} } = this.#model.connection as { serverProperties?: Record<string, unknown> };
    return `${serverProperties.product ?? "a broker"} ${serverProperties.version ?? "of no version"}`;
  }

  /** Opens a channel. `onClosed` is called when it closes other than by its owner. @throws {ChatError} */
  async channel(onClosed: (error: ChatError) => void): Promise<Channel> {
    return this.#reportClosing(await mapChannelErrors(this.broker, () => this.#model.createChannel()), onClosed);
  }

  /** Opens a channel like {@link channel}, with publisher confirms. @throws {ChatError} */
  async confirmChannel(onClosed: (error: ChatError) => void): Promise<ConfirmChannel> {
    return this.#reportClosing(await mapChannelErrors(this.broker, () => this.#model.createConfirmChannel()), onClosed);
  }

  /** Closes the connection. Idempotent; gives up soon on a broker that does not answer. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #reportClosing<C extends Channel>(channel: C, onClosed: (error: ChatError) => void): C {
    let failure: unknown;
    channel.on("error", (error) => failure = error);
    channel.on("close", () => {
      if (failure !== undefined) onClosed(toChannelError(failure, this.broker));
    });
    return channel;
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return;
    const timer = setTimeout(() => this.#destroy(), closeDeadlineMs);
    try {
      await Promise.race([this.#model.close(), this.lost]);
    } catch {
      // The other side is closing already.
      this.#destroy();
    } finally {
      clearTimeout(timer);
      // A blocked broker does not notice that this side ended.
      this.#socket.destroy();
    }
  }

  /** Forces amqplib to clean up, which it does on a socket error; it has no timeout for a peer that does not answer. */
  #destroy(): void {
    if (this.#isOpen) this.#socket.destroy(new Error("the broker did not answer"));
  }

  get #socket(): Socket {
    return (this.#model.connection as unknown as { stream: Socket }).stream;
  }
}

/** Connects; an abort destroys the socket, and thereby ends the attempt. */
function connectModel({ broker, login, ca, name }: OpenBrokerOptions, signal: AbortSignal): Promise<ChannelModel> {
  // amqplib passes them to `net.connect` or `tls.connect`.
  const socketOptions = {
    // Without it every message costs 40 ms: Nagle's algorithm waits for delayed acknowledgements.
    noDelay: true,
    timeout: openDeadlineMs,
    clientProperties: { connection_name: name },
    // Otherwise NODE_TLS_REJECT_UNAUTHORIZED could disable verification.
    rejectUnauthorized: true,
    signal,
    ...(ca !== undefined && { ca }),
  };
  return connect({
    protocol: broker.tls ? "amqps" : "amqp",
    hostname: broker.host,
    port: broker.port,
    vhost: encodeURIComponent(broker.vhost),
    username: login.user,
    password: login.password,
    heartbeat,
  }, socketOptions);
}

function connectCancelled(): ChatError {
  return new ChatError("unavailable", "The connection attempt was cancelled.");
}

/**
 * Combines the writes of one turn. amqplib writes each frame separately, three or more for a message above 2 KiB; each
 * write is a system call here and a packet that wakes up the broker.
 */
function writeOncePerTurn(socket: Socket): void {
  const write = socket.write;
  socket.write = function (this: Socket, ...chunk: unknown[]) {
    if (this.writableCorked === 0) {
      this.cork();
      queueMicrotask(() => this.uncork());
    }
    return write.apply(this, chunk as Parameters<typeof write>);
  } as typeof write;
}
