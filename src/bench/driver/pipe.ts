/** The way of frames between the driver and a server. The driver knows the length of each frame and nothing of its content. */
export interface Pipe {
  /** Sends a message of gRPC or AMQP; the bytes are copied. */
  send(message: Uint8Array): void;
  /** Ends the connection at once. Idempotent; afterwards, no handler is called. */
  close(): Promise<void>;
}

/** Opens a pipe. @throws {ChatError} `unavailable` */
export type OpenPipe = (handlers: PipeHandlers) => Promise<Pipe>;

export interface PipeHandlers {
  /** Takes the message at `from` to `to`; the bytes are valid during the call only. */
  onMessage(bytes: Uint8Array, from: number, to: number): void;
  /** The connection ended, not by {@link Pipe.close}. */
  onLost(error: Error): void;
}
